"""SinSR: ResShift's network, distilled to one step, with the sampler and configuration of SinSR's own repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from baselines.resshift import adapter as resshift
from baselines.runner.adapters import Contents, Restore
from osediff.common.profiling import ProfiledModule


class Options(resshift.Options):
    """The values under ``settings`` of the descriptor."""

    one_step: bool


def layout(sources: Path, options: Options) -> dict[str, Contents]:
    """Return names and shapes of the official checkpoints, by path."""
    return resshift.layout(sources, options, "SinSR")


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side."""
    return resshift.profiled_modules(sources, options, size, "SinSR", steps=1 if options.one_step else None)


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    sampling = {"one_step": options.one_step, "apply_decoder": True}
    return resshift.make_restorer(sources / "SinSR", sources / "weights", options, device, sampling, half=True)
