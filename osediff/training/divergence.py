"""When a training has diverged."""

from __future__ import annotations

import math
from collections.abc import Mapping

BOUND = 1e3  # of a loss term, which is of the order of 1


def divergence(losses: Mapping[str, float], others: Mapping[str, float]) -> str:
    """Return what is wrong, or an empty text: any value that is not finite, or one of ``losses`` above ``BOUND``."""
    for name, value in {**losses, **others}.items():
        if not math.isfinite(value):
            return f"{name} is not finite"
        if name in losses and abs(value) > BOUND:
            return f"{name} is {value:.3g}, above {BOUND:g}"
    return ""
