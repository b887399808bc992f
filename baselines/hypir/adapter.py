"""HYPIR on Stable Diffusion 2.1-base: the official enhancer, with the settings of its README and an empty prompt."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable
from baselines.shared import stable_diffusion_2
from baselines.shared.images import SCALE_FACTOR, to_batch
from baselines.shared.lora import check_lora, lora_layout
from baselines.shared.upstream_code import build_on_meta, make_importable, read_checkpoint
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings

BASE = "stable-diffusion-2-1-base"


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    checkpoint: str
    prompt: str
    model_t: int
    """Timestep that the UNet gets."""
    coeff_t: int
    """Timestep of the coefficients that turn its prediction into an image."""
    lora_rank: int
    lora_modules: str
    """Ends of the names of the layers with LoRA, separated by spaces."""
    patch_size: int
    stride: int
    """Of the tiles, in pixels of the SR image."""


def name_adapter(options: Options, layer: str) -> str | None:
    """Return the name of the adapter of a layer of the UNet; None if it has no LoRA."""
    return "default" if f".{layer}".endswith(tuple(f".{end}" for end in options.lora_modules.split())) else None


def lay_out_lora(unet: nn.Module, options: Options) -> dict[str, Tensor]:
    """Return names and shapes of the official checkpoint for ``unet``."""
    return lora_layout(unet, options.lora_rank, lambda layer: name_adapter(options, layer))


def layout(sources: Path, options: Options) -> dict[str, Contents | str]:
    """Return names and shapes of the official checkpoint, and the files of the backbone, by path."""
    lora = lay_out_lora(stable_diffusion_2.build().unet, options)
    return {**stable_diffusion_2.layout(BASE), options.checkpoint: lora}


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side.

    The LoRA is beside the weights, as in the official code. Each network but the text encoder is called for each tile.
    """
    from peft import LoraConfig

    backbone = stable_diffusion_2.build()
    config = LoraConfig(r=options.lora_rank, target_modules=options.lora_modules.split())
    build_on_meta(lambda: backbone.unet.add_adapter(config))
    trained = count_trainable(backbone.unet, ("lora_",))
    tiles = 1 + max(0, math.ceil((size * SCALE_FACTOR - options.patch_size) / options.stride))
    for network in stable_diffusion_2.profile(backbone, options.patch_size, trained=(0, trained)):
        yield network if network.name == "text encoder" else replace(network, calls=tiles**2)


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    weights = sources / "weights"
    make_importable(sources / "HYPIR")
    lora = read_checkpoint(weights / options.checkpoint)
    expected = lay_out_lora(stable_diffusion_2.build_part(weights / BASE, "unet"), options)
    check_lora(lora, expected, weights / options.checkpoint)
    enhancer: Any = importlib.import_module("HYPIR.enhancer.sd2").SD2Enhancer(
        base_model_path=str(weights / BASE),
        weight_path=str(weights / options.checkpoint),
        lora_modules=options.lora_modules.split(),
        lora_rank=options.lora_rank,
        model_t=options.model_t,
        coeff_t=options.coeff_t,
        device=device,
    )
    if device == "cpu":
        enhancer.weight_dtype = torch.float32
    with patch.object(torch, "load", lambda *_, **__: lora):  # the official code would unpickle any object
        enhancer.init_models()

    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        tiles = {"patch_size": options.patch_size, "stride": options.stride}
        pictures = enhancer.enhance(
            to_batch(lr, "cpu"), options.prompt, upscale=SCALE_FACTOR, return_type="pil", **tiles
        )
        return np.asarray(pictures[0])

    return restore
