"""AdcSR: the official pruned network, called as in the official test script.

The script builds it from the weights of Stable Diffusion, which the two checkpoints then replace. Here it is built
without them.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torchvision.transforms.v2.functional import to_pil_image

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable, meta
from baselines.shared.images import to_batch
from baselines.shared.stable_diffusion_2 import UNET
from baselines.shared.upstream_code import build_on_meta, load_weights, make_importable, read_checkpoint
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings

# Of the official test script.
DECODER: dict[str, Any] = {"in_channels": 4, "out_channels": 3, "up_block_types": ["UpDecoderBlock2D"] * 4}
DECODER |= {"block_out_channels": [64, 128, 256, 256], "layers_per_block": 2}
MULTIPLE = 16  # LR pixels: the network unshuffles pairs of pixels and halves what it gets three times


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    checkpoint: str
    decoder: str
    """Files below weights/ of the sources."""


def build_networks(checkout: Path) -> tuple[Any, Any]:
    """Build the pruned UNet with the middle of the decoder, and the whole decoder, without weights."""
    make_importable(checkout)
    from diffusers import UNet2DConditionModel
    from diffusers.models.autoencoders.vae import Decoder

    official = importlib.import_module("model").Net
    decoder = build_on_meta(lambda: Decoder(**DECODER))
    return build_on_meta(lambda: official(UNet2DConditionModel(**UNET), copy.deepcopy(decoder))), decoder


def join(net: nn.Module, decoder: Any) -> nn.Sequential:
    """Join the networks as the official script does."""
    return nn.Sequential(net, *decoder.up_blocks, decoder.conv_norm_out, decoder.conv_act, decoder.conv_out)


def layout(sources: Path, options: Options) -> dict[str, Contents]:
    """Return names and shapes of the official checkpoints, by path."""
    net, decoder = build_networks(sources / "AdcSR")
    return {
        options.checkpoint: {f"module.{name}": value for name, value in net.state_dict().items()},
        options.decoder: {
            "state_dict": {f"decoder.{name}": value for name, value in decoder.state_dict().items()},
        },
    }


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the network, on the meta device, as called for an LR image of ``size`` pixels a side.

    The official training adjusts the pruned UNet and the middle of the decoder.
    """
    net, decoder = build_networks(sources / "AdcSR")
    side = -(-size // MULTIPLE) * MULTIPLE
    whole = join(net, decoder).to("meta").eval()
    yield ProfiledModule("network", whole, (meta(1, 3, side, side),), trainable=count_trainable(net))


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the network and return the function that restores one image."""
    weights = sources / "weights"
    net, decoder = build_networks(sources / "AdcSR")
    load_weights(net, read_checkpoint(weights / options.checkpoint), weights / options.checkpoint)
    load_weights(decoder, read_checkpoint(weights / options.decoder), weights / options.decoder, "decoder.")
    network = join(net, decoder).to(device)

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        batch = to_batch(lr, device) * 2 - 1
        height, width = lr.shape[:2]
        below = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        sr = network(functional.pad(batch, below, mode="replicate"))[:, :, : 4 * height, : 4 * width]
        mean, deviation = batch.mean([2, 3], keepdim=True), batch.std([2, 3], keepdim=True)
        sr = (sr - sr.mean([2, 3], keepdim=True)) / sr.std([2, 3], keepdim=True) * deviation + mean
        return np.asarray(to_pil_image((sr[0] / 2 + 0.5).clamp(0, 1).cpu()))

    return restore
