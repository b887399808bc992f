"""Detect that a training has diverged."""

from __future__ import annotations

import math
from collections.abc import Mapping

BOUND = 1e3  # of a loss term, which is of the order of 1


def divergence(losses: Mapping[str, float], others: Mapping[str, float]) -> str:
    """Return the first value that is not finite, or the first of ``losses`` above ``BOUND``, as text; else empty."""
    for name, value in {**losses, **others}.items():
        if not math.isfinite(value):
            return f"{name} is not finite"
        if name in losses and abs(value) > BOUND:
            return f"{name} is {value:.3g}, above {BOUND:g}"
    return ""
