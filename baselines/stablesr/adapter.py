"""StableSR: the official time-aware, guided latent diffusion model and its decoder, in a separate environment.

Their script for 128 to 512 pixels loads a whole folder onto the GPU; here it is carried out for one image.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import functional

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable, meta
from baselines.shared.images import SCALE_FACTOR
from baselines.shared.upstream_code import build_on_meta, load_weights, make_importable, read_checkpoint
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule, method_module
from osediff.common.settings import Settings

MODEL = "configs/stableSRNew/v2-finetune_text_T_512.yaml"
DECODER = "configs/autoencoder/autoencoder_kl_64x64x4_resi.yaml"
SIZE = 512  # of the result: the guidance of the network is built for 64x64 latents
MULTIPLE = 32  # LR pixels


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    checkpoint: str
    decoder: str
    """Files below weights/ of the sources."""
    steps: int
    decoder_weight: float
    """Weight of the encoder's features in the decoder (CFW)."""


def add_stub(name: str, **attributes: Any) -> None:
    """Provide an empty module with ``attributes`` under a name that the checkout imports."""
    module = sys.modules.setdefault(name, ModuleType(name))
    for attribute, value in attributes.items():
        setattr(module, attribute, value)


def patch_upstream() -> None:
    """Provide what the checkout imports although it is gone or only serves training; restoring uses none of it."""
    from pytorch_lightning.utilities.rank_zero import rank_zero_only
    from transformers.models.clip import modeling_clip

    add_stub("pytorch_lightning.utilities.distributed", rank_zero_only=rank_zero_only)
    add_stub("torchvision.transforms.functional_tensor", rgb_to_grayscale=functional.rgb_to_grayscale)
    add_stub("taming")
    add_stub("taming.modules")
    add_stub("taming.modules.vqvae")
    add_stub("taming.modules.vqvae.quantize", VectorQuantizer2=nn.Module)
    add_stub("clip")
    if not hasattr(modeling_clip, "CLIPTextTransformer"):
        modeling_clip.CLIPTextTransformer = nn.Module


def make_clip_factory() -> Callable[..., Any]:
    """Return a function that replaces open_clip's, which would fetch weights that the checkpoint holds anyway."""
    open_clip = importlib.import_module("open_clip")

    def build_clip(arch: str, device: Any = None, pretrained: Any = None) -> tuple[nn.Module, None, None]:
        return open_clip.model.CLIP(**open_clip.get_model_config(arch)), None, None

    return build_clip


def build_networks(checkout: Path, device: str) -> tuple[Any, Any]:
    """Build the latent diffusion model and the decoder with its encoder (CFW), without weights."""
    make_importable(checkout)
    patch_upstream()
    importlib.import_module("ldm.modules.encoders.modules").open_clip.create_model_and_transforms = make_clip_factory()
    instantiate = importlib.import_module("ldm.util").instantiate_from_config
    model, decoder = (
        yaml.safe_load((checkout / name).read_text(encoding="utf-8"))["model"] for name in (MODEL, DECODER)
    )
    model["params"]["cond_stage_config"]["params"]["device"] = device
    decoder["params"]["lossconfig"] = {"target": "torch.nn.Identity"}  # it would fetch VGG
    return build_on_meta(lambda: instantiate(model)), build_on_meta(lambda: instantiate(decoder))


def layout(sources: Path, options: Options) -> dict[str, Contents]:
    """Return names and shapes of the official checkpoints, by path."""
    model, decoder = build_networks(sources / "StableSR", "cpu")
    return {
        options.checkpoint: {"state_dict": model.state_dict()},
        options.decoder: {"state_dict": decoder.state_dict()},
    }


class BySize(dict[str, Tensor]):
    """Guidance by the side of its features, as text: while a call is traced, "64" is "tensor(64)" in the checkout."""

    def __missing__(self, key: str) -> Tensor:
        side = key.removeprefix("tensor(").removesuffix(")")
        if side == key:
            raise KeyError(key)
        return self[side]


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of 128 pixels a side, the only size.

    Guidance, the UNet's SPADE layers and the decoder's fusion layers (CFW) are trained.
    """
    model, decoder = (network.to("meta") for network in build_networks(sources / "StableSR", "cpu"))
    image, latent = meta(1, 3, SIZE, SIZE), meta(1, 4, SIZE // 8, SIZE // 8)
    times, words = meta(1, dtype=torch.long), meta(1, 77, 1024)
    guide, unet, text = model.structcond_stage_model, model.model.diffusion_model, model.cond_stage_model
    structure = {"struct_cond": BySize(guide(latent, times))}
    _, features = decoder.encode(image)
    encoding = method_module(decoder, "encode", [decoder.encoder, decoder.quant_conv])
    decoding = method_module(decoder, "decode", [decoder.decoder, decoder.post_quant_conv])
    encode_text = method_module(text, "encode_with_transformer")
    steps, spade = options.steps, count_trainable(unet, ("spade",))
    fusion = count_trainable(decoding, ("fusion_layer",))
    yield ProfiledModule("text encoder", encode_text, (meta(1, 77, dtype=torch.long),))
    yield ProfiledModule("encoder", encoding, (image,))
    yield ProfiledModule("guidance", guide, (latent, times), calls=steps, trainable=count_trainable(guide))
    yield ProfiledModule("UNet", unet, (latent, times, words), structure, steps, spade)
    yield ProfiledModule("decoder with CFW", decoding, (latent, features), trainable=fusion)


def respace(model: Any, steps: int, device: str) -> None:
    """Give ``model`` the schedule of the official script: ``steps`` of its 1000, evenly spaced."""
    space = importlib.import_module("ldm.models.diffusion.ddpm").space_timesteps
    model.register_schedule(
        given_betas=None, beta_schedule="linear", timesteps=1000, linear_start=0.00085, linear_end=0.0120, cosine_s=8e-3
    )
    taken = sorted(space(1000, [steps]))
    alphas = model.alphas_cumprod.cpu()[taken]
    betas = 1 - alphas / torch.cat([torch.ones(1), alphas[:-1]])
    model.register_schedule(given_betas=betas.numpy(), timesteps=steps)
    model.num_timesteps = 1000
    model.ori_timesteps = taken
    model.to(device)


def to_input(lr: np.ndarray, stem: str) -> Tensor:
    """Enlarge uint8 (128, 128, 3) to (1, 3, 512, 512) in [-1, 1].

    Raises:
        InputError: the image has another size.
    """
    if lr.shape[:2] != (SIZE // SCALE_FACTOR, SIZE // SCALE_FACTOR):
        size = f"{lr.shape[1]}x{lr.shape[0]}"
        raise InputError(f"{stem}: {size}, but this network restores 128x128 images to 512x512; leave the method out")
    image = Image.fromarray(lr)
    image = image.resize([side // MULTIPLE * MULTIPLE for side in image.size], Image.Resampling.LANCZOS)
    batch = torch.from_numpy(np.asarray(image, np.float32).transpose(2, 0, 1) / 255)[None] * 2 - 1
    return functional.resize(batch, [SIZE], antialias=False).clamp(-1, 1)


def from_output(sr: Tensor) -> np.ndarray:
    """Convert (1, 3, H, W) in [-1, 1] to uint8 (H, W, 3), clipped, and truncated as the official script does."""
    pixels = ((sr + 1) / 2).clamp(0, 1)[0].cpu().float().numpy().transpose(1, 2, 0)
    return (255.0 * pixels).astype(np.uint8)


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    checkout, weights = sources / "StableSR", sources / "weights"
    model, decoder = build_networks(checkout, device)
    for network, name in ((model, options.checkpoint), (decoder, options.decoder)):
        load_weights(network, read_checkpoint(weights / name), weights / name, buffers=False).to(device)
    decoder.decoder.fusion_w = options.decoder_weight
    respace(model, options.steps, device)
    color_fix = importlib.import_module("scripts.wavelet_color_fix").adaptive_instance_normalization

    def context() -> AbstractContextManager[Any]:
        return nullcontext() if device == "cpu" else torch.autocast("cuda")

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        image = to_input(lr, stem).to(device)
        with context():
            posterior, features = decoder.encode(image)
            latent = model.get_first_stage_encoding(posterior)
            torch.randn_like(latent)  # the official script draws it and does not use it; the stream goes on as there
            samples, _ = model.sample(
                cond=model.cond_stage_model([""]),
                struct_cond=latent,
                batch_size=1,
                timesteps=options.steps,
                time_replace=options.steps,
                x_T=None,
                return_intermediates=True,
            )
            sr = color_fix(decoder.decode(samples * 1.0 / model.scale_factor, features), image)
        return from_output(sr)

    return restore
