"""SinSR: ResShift's network, distilled to one step; its repository's own sampler and configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from baselines.official import Restore
from baselines.resshift import adapter as resshift


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """Names and shapes of what the official checkpoints hold, by path (baselines.randomise)."""
    return resshift.layout(sources, settings, "SinSR")


def load(sources: Path, settings: dict[str, Any], device: str, cache: Path) -> Restore:
    """SinSR's restoring function."""
    options = {"one_step": settings["one_step"], "apply_decoder": True}
    return resshift.driven(sources / "SinSR", sources / "weights", settings, device, options, half=True)
