"""PiSA-SR: Stable Diffusion 2.1-base with both LoRAs merged, through the official class in its default setting.

The class builds the networks on CUDA by name, with classes of an old diffusers. Here it gets networks of the installed
diffusers; encoding, the one step, latent tiles, and decoding are official code.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.v2 import functional

from baselines.runner.adapters import Contents, Restore
from baselines.shared import stable_diffusion_2
from baselines.shared.images import SCALE_FACTOR, enlarge, to_batch
from baselines.shared.lora import check_lora, lora_layout, merge_lora
from baselines.shared.upstream_code import make_importable, provide, read_checkpoint
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings

BASE = "stable-diffusion-2-1-base"
RANK, ALPHA = 4, 8  # of the training script; peft's default
LAYERS = ("to_k", "to_q", "to_v", "to_out.0", "conv", "proj_out", "proj_in", "ff.net.2", "ff.net.0.proj")
KINDS = ("pix", "sem")  # the LoRA of pixels and that of meaning, in the official order
GROUPS = {"encoder": ("down_blocks", "conv_in"), "decoder": ("up_blocks", "conv_out"), "others": ("",)}


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    checkpoint: str
    process_size: int
    """Least length of the short side of the upsampled image, in pixels."""
    latent_tiled_size: int
    latent_tiled_overlap: int
    encoder_tiled_size: int
    decoder_tiled_size: int


def name_adapter(kind: str, layer: str) -> str | None:
    """Return the name of the adapter, pix or sem, of a layer of the UNet; None if it has no LoRA."""
    if "norm" in layer or not any(word in layer for word in LAYERS):
        return None
    return next(f"default_{group}_{kind}" for group, words in GROUPS.items() if any(word in layer for word in words))


def lay_out_lora(unet: nn.Module) -> dict[str, Tensor]:
    """Return names and shapes of both LoRAs of the official checkpoint for ``unet``."""
    layouts = [lora_layout(unet, RANK, partial(name_adapter, kind)) for kind in KINDS]
    return {name: value for layout in layouts for name, value in layout.items()}


def layout(sources: Path, options: Options) -> dict[str, Contents | str]:
    """Return names and shapes of the official checkpoint, and the files of the backbone, by path."""
    lora = lay_out_lora(stable_diffusion_2.build().unet)
    return {**stable_diffusion_2.layout(BASE), options.checkpoint: {"state_dict_unet": lora}}


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side."""
    backbone = stable_diffusion_2.build()
    trained = sum(weight.numel() for weight in layout(sources, options)[options.checkpoint]["state_dict_unet"].values())
    side = max(size * SCALE_FACTOR, options.process_size) // 8 * 8
    yield from stable_diffusion_2.profile(backbone, side, trained=(0, trained))


def import_class(checkout: Path, device: str) -> Any:
    """Import the official class, with networks of the installed diffusers in place of its copies of old ones."""
    make_importable(checkout)
    import diffusers

    for name, network in (("autoencoder_kl", "AutoencoderKL"), ("unet_2d_condition", "UNet2DConditionModel")):
        provide(f"src.models.{name}", **{network: getattr(diffusers, network)})
    if device == "cpu":
        torch.cuda.synchronize = lambda device=None: None  # around its clock
    return importlib.import_module("pisasr").PiSASR_eval


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    checkout, weights = sources / "PiSA-SR", sources / "weights"
    official = import_class(checkout, device)
    color_fix = importlib.import_module("src.my_utils.wavelet_color_fix").adain_color_fix
    tokenizer, backbone = stable_diffusion_2.load(weights / BASE)
    path = weights / options.checkpoint
    lora = read_checkpoint(path)
    check_lora(lora, lay_out_lora(backbone.unet), path)
    for kind in KINDS:
        chosen = {name: value for name, value in lora.items() if f"_{kind}." in name}
        merge_lora(backbone.unet, chosen, path, ALPHA)
    dtype = torch.float32 if device == "cpu" else torch.float16
    model = official.__new__(official)
    nn.Module.__init__(model)
    model.device, model.weight_dtype, model.tokenizer = device, dtype, tokenizer
    model.timesteps1 = torch.tensor([1], device=device)
    tiles = {"latent_tiled_size": options.latent_tiled_size, "latent_tiled_overlap": options.latent_tiled_overlap}
    model.args = SimpleNamespace(**tiles)
    for name, network in vars(backbone.to(device, dtype)).items():
        setattr(model, name, network)
    model._init_tiled_vae(encoder_tile_size=options.encoder_tiled_size, decoder_tile_size=options.decoder_tiled_size)

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        image = enlarge(Image.fromarray(lr), options.process_size, Image.Resampling.LANCZOS)
        _, sr = model(True, to_batch(np.asarray(image), device) * 2 - 1, prompt="")
        picture = functional.to_pil_image((sr * 0.5 + 0.5).clip(0, 1)[0].cpu())
        fixed = color_fix(target=picture, source=image)
        return np.asarray(fixed.resize((lr.shape[1] * SCALE_FACTOR, lr.shape[0] * SCALE_FACTOR)))

    return restore
