"""SinSR: ResShift's network, distilled to one step; its repository's own sampler and configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from baselines.resshift import adapter as resshift
from baselines.shared.upstream_code import Restore
from osediff.common.profiling import ProfiledModule


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """Names and shapes of what the official checkpoints hold, by path (baselines.shared.random_weights)."""
    return resshift.layout(sources, settings, "SinSR")


def profiled_modules(sources: Path, settings: dict[str, Any], size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side."""
    return resshift.profiled_modules(sources, settings, size, "SinSR", 1)


def load(sources: Path, settings: dict[str, Any], device: str, cache: Path) -> Restore:
    """SinSR's restoring function."""
    options = {"one_step": settings["one_step"], "apply_decoder": True}
    return resshift.driven(sources / "SinSR", sources / "weights", settings, device, options, half=True)
