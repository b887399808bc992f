"""FeMaSR through spandrel, with the padding that the official inference does around the network.

The official ``test`` pads every image by flipping, to the next multiple of 16 *above* its size: even an image whose
size is a multiple of 16 gets 16 more rows and columns. Group normalization includes the padding, which changes the
result.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import spandrel
import torch
from torch import Tensor, nn

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable, meta
from baselines.shared.images import SCALE_FACTOR, to_batch, to_image
from baselines.shared.upstream_code import read_checkpoint
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings

WINDOW = 16  # of the official code: 8 // SCALE_FACTOR * 8


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    checkpoint: str
    """File below weights/ of the sources."""


def import_architecture() -> ModuleType:
    """Import spandrel's module of the network. Nothing else imports it, since its license forbids commercial use.

    Raises:
        InputError: it is not installed.
    """
    try:
        from spandrel_extra_arches.architectures import FeMaSR
    except ImportError:
        raise InputError(
            "FeMaSR's network is in spandrel-extra-arches, which is not installed; "
            "pip install --no-deps spandrel-extra-arches==0.2.0 (FeMaSR itself: CC BY-NC-SA 4.0, no commercial use)"
        ) from None
    module: ModuleType = FeMaSR
    return module


def read_network(path: Path) -> nn.Module:
    """Read the network of the official checkpoint at ``path``, in evaluation mode.

    Raises:
        InputError: the file holds another network.
    """
    architecture = import_architecture().FeMaSRArch()
    weights = spandrel.canonicalize_state_dict(read_checkpoint(path))
    try:
        descriptor = architecture.load(weights)
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path}: holds no FeMaSR network; get it anew") from error
    if descriptor.scale != SCALE_FACTOR:
        raise InputError(f"{path}: is FeMaSR x{descriptor.scale}, needed is x{SCALE_FACTOR}; get the other file")
    network: nn.Module = descriptor.model
    return network.eval().requires_grad_(False)


def pad(batch: Tensor) -> Tensor:
    """Continue (1, 3, H, W) below and to the right by its mirror image, to the next multiple of 16 above each side."""
    for axis in (2, 3):
        extent = batch.shape[axis]
        batch = torch.cat([batch, batch.flip(axis)], axis).narrow(axis, 0, (extent // WINDOW + 1) * WINDOW)
    return batch


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the network and return the function that restores one image."""
    network = read_network(sources / "weights" / options.checkpoint).to(device)

    @torch.inference_mode()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        height, width = (extent * SCALE_FACTOR for extent in lr.shape[:2])
        return to_image(network(pad(to_batch(lr, device)))[..., :height, :width])

    return restore


def build_network() -> nn.Module:
    """Build the network in the size of the official script: one codebook of 1024 entries at 32 pixels, x4."""
    architecture = import_architecture()
    network: nn.Module = architecture.FeMaSR(
        codebook_params=[[32, 1024, 512]], LQ_stage=True, scale_factor=SCALE_FACTOR
    )
    return network


def layout(sources: Path, options: Options) -> dict[str, Contents]:
    """Return names and shapes of the official checkpoint, by its path; only buffers have values."""
    network = build_network()
    parameters = {name: parameter.to("meta") for name, parameter in network.named_parameters()}
    return {options.checkpoint: {"params": {**network.state_dict(), **parameters}}}


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the network, on the meta device, called for a padded LR image of ``size`` pixels a side; all is trained."""
    with torch.device("meta"):
        network = build_network()
    yield ProfiledModule("network", network, (pad(meta(1, 3, size, size)),), trainable=count_trainable(network))
