"""FeMaSR through spandrel, with the padding that its own inference does around the network.

The official ``test`` pads every image by flipping, to the next multiple of 16 *above* its size: one that is a multiple
already still gets 16 rows and columns. Group normalization sees the padding, so without it the result is another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines.runner.profiling import count_trainable, meta
from baselines.shared.feedforward import Restore, as_batch, as_image, state_dict
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule

SCALE = 4
WINDOW = 16  # of the official code: 8 // SCALE * 8


def architecture() -> ModuleType:
    """Spandrel's module of the network, imported only here, for its license forbids commercial use."""
    try:
        from spandrel_extra_arches.architectures import FeMaSR
    except ImportError:
        raise InputError(
            "FeMaSR's network is in spandrel-extra-arches, which is not installed; "
            "pip install --no-deps spandrel-extra-arches==0.2.0 (FeMaSR itself: CC BY-NC-SA 4.0, no commercial use)"
        ) from None
    module: ModuleType = FeMaSR
    return module


def network(path: Path) -> nn.Module:
    """The network of the official checkpoint at ``path``, in evaluation mode."""
    found = architecture().FeMaSRArch()
    weights = state_dict(path)
    try:
        found = found.load(weights)
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path}: holds no FeMaSR network; get it anew") from error
    if found.scale != SCALE:
        raise InputError(f"{path}: is FeMaSR x{found.scale}, needed is x{SCALE}; get the other file")
    module: nn.Module = found.model
    return module.eval().requires_grad_(False)


def padded(batch: Tensor) -> Tensor:
    """(1, 3, H, W) continued below and to the right by its mirror image, to the next multiple of 16 above each side."""
    for axis in (2, 3):
        extent = batch.shape[axis]
        batch = torch.cat([batch, batch.flip(axis)], axis).narrow(axis, 0, (extent // WINDOW + 1) * WINDOW)
    return batch


def load(sources: Path, settings: dict[str, Any], device: str, cache: Path) -> Restore:
    """FeMaSR's restoring function."""
    model = network(sources / "weights" / settings["checkpoint"]).to(device)

    @torch.inference_mode()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        height, width = (extent * SCALE for extent in lr.shape[:2])
        return as_image(model(padded(as_batch(lr, device, torch.float32)))[..., :height, :width])

    return restore


def built() -> nn.Module:
    """The network in the size of the official script: one codebook of 1024 entries at 32 pixels, x4."""
    module: nn.Module = architecture().FeMaSR(codebook_params=[[32, 1024, 512]], LQ_stage=True, scale_factor=SCALE)
    return module


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Names and shapes in the official checkpoint, by its path; parameters without values, buffers as they are."""
    model = built()
    drawn = {name: parameter.to("meta") for name, parameter in model.named_parameters()}
    return {settings["checkpoint"]: {"params": {**model.state_dict(), **drawn}}}


def profiled_modules(sources: Path, settings: dict[str, Any], size: int) -> Iterator[ProfiledModule]:
    """Yield the network as baselines.shared.feedforward does; it gets the padded image."""
    with torch.device("meta"):
        model = built()
    yield ProfiledModule("network", model, (padded(meta(1, 3, size, size)),), trainable=count_trainable(model))
