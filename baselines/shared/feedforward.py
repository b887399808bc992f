"""Adapter of the networks that restore in one pass (BSRGAN, Real-ESRGAN, LDL), from their official checkpoints.

The official scripts do the same around each network: RGB / 255 in; clipped to [0, 1], times 255 and rounded out.
Spandrel builds the network that the keys of a checkpoint describe, so nothing of the repositories is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

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

# Names in the official checkpoints, by file: the key that wraps the weights (empty: none does), and RRDBNet's blocks,
# dense blocks and further convolutions; Compact numbers its layers.
OLD_NAMES = ("RRDB_trunk", "RDB", ("trunk_conv", "upconv1", "upconv2", "HRconv"))
NEW_NAMES = ("body", "rdb", ("conv_body", "conv_up1", "conv_up2", "conv_hr"))
OFFICIAL = {
    "BSRGAN.pth": ("", OLD_NAMES),
    "RealESRGAN_x4plus.pth": ("params_ema", NEW_NAMES),
    "net_g_RealESRGAN+LDL.pth": ("params", NEW_NAMES),
    "realesr-general-x4v3.pth": ("params", None),
}
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16}


class Options(Settings):
    """The values under ``settings`` of the descriptors."""

    checkpoint: str
    """File below weights/ of the sources."""
    architecture: str
    """Spandrel's name of the network."""
    precision: Literal["fp32", "fp16"]


def read_network(path: Path, architecture: str) -> nn.Module:
    """Read the network of a checkpoint, in evaluation mode.

    Raises:
        InputError: the file holds no network, or another one than ``architecture``.
    """
    weights = spandrel.canonicalize_state_dict(read_checkpoint(path))
    try:
        descriptor = spandrel.ModelLoader().load_from_state_dict(weights)
    except (spandrel.UnsupportedModelError, RuntimeError, KeyError) as error:
        raise InputError(f"{path}: holds no network that spandrel knows; get it anew") from error
    if (descriptor.architecture.id, descriptor.scale) != (architecture, SCALE_FACTOR):
        content = f"{descriptor.architecture.id} x{descriptor.scale}"
        raise InputError(f"{path}: holds {content}, needed is {architecture} x{SCALE_FACTOR}; get the other file")
    network: nn.Module = descriptor.model
    return network.eval().requires_grad_(False)


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the network and return the function that restores one image."""
    dtype = PRECISIONS[options.precision]
    network = read_network(sources / "weights" / options.checkpoint, options.architecture).to(device, dtype)

    @torch.inference_mode()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        return to_image(network(to_batch(lr, device, dtype)))

    return restore


def layout(sources: Path, options: Options) -> dict[str, Contents]:
    """Return names and shapes of the official checkpoint, by its path; the tensors are on the meta device."""
    wrapper, names = OFFICIAL[options.checkpoint]
    weights: dict[str, Tensor] = {}
    for key, (outputs, inputs) in (_rrdbnet_convolutions(*names) if names else _compact_convolutions()).items():
        weights[f"{key}.weight"] = meta(outputs, inputs, 3, 3)
        weights[f"{key}.bias"] = meta(outputs)
    if not names:
        weights |= {f"body.{2 * index + 1}.weight": meta(64) for index in range(33)}  # of the PReLUs
    return {options.checkpoint: {wrapper: weights} if wrapper else weights}


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the network, on the meta device, called for an LR image of ``size`` pixels a side; all of it is trained."""
    weights = spandrel.canonicalize_state_dict(layout(sources, options)[options.checkpoint])
    with torch.device("meta"):
        network: nn.Module = spandrel.ModelLoader("meta").load_from_state_dict(weights).model
    yield ProfiledModule("network", network, (meta(1, 3, size, size),), trainable=count_trainable(network))


def _rrdbnet_convolutions(blocks: str, dense: str, others: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of RRDBNet's convolutions in the published size: 64 features, 23 blocks, growth 32."""
    convolutions = {"conv_first": (64, 3)}
    for block in range(23):
        for inner in (1, 2, 3):
            for index in range(5):
                key = f"{blocks}.{block}.{dense}{inner}.conv{index + 1}"
                convolutions[key] = (64 if index == 4 else 32, 64 + 32 * index)
    return convolutions | dict.fromkeys(others, (64, 64)) | {"conv_last": (3, 64)}


def _compact_convolutions() -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of SRVGGNetCompact's 34 convolutions; a PReLU stands between each and the next."""
    sizes = [(64, 3), *[(64, 64)] * 32, (3 * SCALE_FACTOR**2, 64)]
    return {f"body.{2 * index}": size for index, size in enumerate(sizes)}
