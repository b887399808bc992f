"""CTMSR: the official network, which restores a noisy, upsampled image in one step, without an autoencoder.

The official model class needs CUDA and loads metrics. What it does around the network is done here: reflection to
multiples of ``min_size``, noise, and tiles where a side is above ``chop_size``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor
from torch.nn import functional

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable, meta
from baselines.shared.images import SCALE_FACTOR, reflect, restore_tiles, to_batch, to_image
from baselines.shared.upstream_code import (
    build_on_meta,
    load_weights,
    make_importable,
    provide_packages,
    read_checkpoint,
)
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings

REPOSITORY = "CTMSR"


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    config: str
    """YAML file in the checkout, which describes the network."""
    checkpoint: str
    """File below weights/ of the sources."""
    sigma: float
    """Standard deviation of the noise that is added to the upsampled image, whose values are in [-1, 1]."""
    min_size: int
    """LR images are reflected to multiples of it, in LR pixels."""
    chop_size: int
    """Largest side of a reflected LR image that is restored without tiles, and side of a tile, in LR pixels."""
    chop_stride: int
    """Distance of the tiles, in LR pixels."""


def build_network(checkout: Path, config: str) -> Any:
    """Build the official network, without weights."""
    make_importable(checkout)
    provide_packages(checkout, "basicsr", "basicsr.archs", "basicsr.utils")
    official = importlib.import_module("basicsr.archs.edm_unet_arch").EDMUNet
    sizes = yaml.safe_load((checkout / config).read_text(encoding="utf-8"))["network_g"]
    del sizes["type"]
    return build_on_meta(lambda: official(**sizes))


def layout(sources: Path, options: Options) -> dict[str, Contents]:
    """Return names and shapes of the official checkpoint, by its path."""
    weights = build_network(sources / REPOSITORY, options.config).state_dict()
    return {options.checkpoint: {"params_ema": weights}}


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the network, on the meta device, as called for an LR image of ``size`` pixels a side; all is trained."""
    network = build_network(sources / REPOSITORY, options.config).to("meta").eval()
    side = -(-size // options.min_size) * options.min_size
    call = (meta(1, 3, side * SCALE_FACTOR, side * SCALE_FACTOR), meta(1), meta(1, 3, side, side))
    yield ProfiledModule("network", network, call, trainable=count_trainable(network))


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the network and return the function that restores one image."""
    path = sources / "weights" / options.checkpoint
    network = build_network(sources / REPOSITORY, options.config)
    network = load_weights(network, read_checkpoint(path), path).to(device)
    splitter = importlib.import_module("basicsr.utils.util_image").ImageSpliterTh
    sigma = torch.tensor(options.sigma, device=device)

    def sample(lr: Tensor) -> Tensor:
        large = functional.interpolate(lr, scale_factor=SCALE_FACTOR, mode="bicubic")
        sr: Tensor = network(large + sigma * torch.randn_like(large), sigma, lr)
        return sr

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        height, width = (side * SCALE_FACTOR for side in lr.shape[:2])
        padded = reflect(to_batch(lr, device).sub(0.5).div(0.5), options.min_size)
        if max(padded.shape[2:]) > options.chop_size:
            tiles = splitter(padded, options.chop_size, stride=options.chop_stride, sf=SCALE_FACTOR)
            sr = restore_tiles(tiles, sample)
        else:
            sr = sample(padded)
        return to_image((sr[:, :, :height, :width] + 1) / 2)

    return restore
