"""ResShift: the authors' networks and sampler, driven for one image (SinSR's repository is built the same way).

Their own driver imports the training code and moves everything to CUDA by name. What it does around the sampler is
done here: reflection to multiples of 64, tiles where a side is above ``chop_size``, half precision on a GPU, rounding.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional

from baselines.runner.profiling import count_trainable, meta
from baselines.shared.upstream_code import Restore, built, checkpoint, filled, importable
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule, method_module

SCALE = 4
MULTIPLE = 64  # LR pixels, of the official padding: the network halves the latent three times and attends in windows


def configuration(checkout: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """The repository's own YAML file that ``settings`` name."""
    content: dict[str, Any] = yaml.safe_load((importable(checkout) / settings["config"]).read_text(encoding="utf-8"))
    return content


def networks(config: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    """The denoising UNet and the VQ autoencoder that ``config`` describes, without weights."""
    instantiate = importlib.import_module("utils.util_common").instantiate_from_config
    return built(lambda: instantiate(config["model"])), built(lambda: instantiate(config["autoencoder"]))


def layout(sources: Path, settings: dict[str, Any], repository: str = "ResShift") -> dict[str, dict[str, Tensor]]:
    """Names and shapes of what the official checkpoints hold, by path (baselines.shared.random_weights)."""
    unet, autoencoder = networks(configuration(sources / repository, settings))
    return {settings["checkpoint"]: unet.state_dict(), settings["autoencoder"]: autoencoder.state_dict()}


def profiled_modules(
    sources: Path, settings: dict[str, Any], size: int, repository: str = "ResShift", steps: int = 15
) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side.

    The UNet is trained.
    """
    config = configuration(sources / repository, settings)
    unet, autoencoder = (each.to("meta") for each in networks(config))
    side = -(-size // MULTIPLE) * MULTIPLE
    latent, image = meta(1, 3, side, side), meta(1, 3, side * SCALE, side * SCALE)
    times = meta(1, dtype=torch.long)
    vq: Any = autoencoder
    encoder = method_module(vq, "encode", [vq.encoder, vq.quant_conv])
    decoder = method_module(vq, "decode", [vq.decoder, vq.post_quant_conv, vq.quantize])
    trained = count_trainable(unet)
    yield ProfiledModule("UNet", unet, (latent, times), {"lq": latent}, steps, trained)
    yield ProfiledModule("VQ encoder", encoder, (image,))
    yield ProfiledModule("VQ decoder", decoder, (latent,))


def padded(lr: Tensor) -> Tensor:
    """(1, 3, H, W) reflected below and to the right to multiples of 64; InputError if that is more than there is."""
    height, width = lr.shape[2:]
    below, right = -height % MULTIPLE, -width % MULTIPLE
    if below >= height or right >= width:
        raise InputError(f"an LR image of {width}x{height}: this method needs sides of more than 32 pixels")
    return functional.pad(lr, (0, right, 0, below), mode="reflect")


def as_input(lr: np.ndarray, device: str) -> Tensor:
    """uint8 (H, W, 3) as (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(lr.transpose(2, 0, 1).copy())[None].to(device).float().div(255).sub(0.5).div(0.5)


def as_image(sr: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [-1, 1] as uint8 (H, W, 3), clipped and rounded."""
    return sr[0].float().mul(0.5).add(0.5).clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()


def driven(
    checkout: Path, weights: Path, settings: dict[str, Any], device: str, options: dict[str, Any], half: bool
) -> Restore:
    """The restoring function: the sampler of ``checkout`` called with ``options``.

    ``half``: on a GPU the networks themselves are float16 (SinSR); else they run in float16 autocast (ResShift).
    """
    config = configuration(checkout, settings)
    unet, autoencoder = networks(config)
    model: Any = filled(unet, checkpoint(weights / settings["checkpoint"]), weights / settings["checkpoint"]).to(device)
    path = weights / settings["autoencoder"]
    autoencoder = filled(autoencoder, checkpoint(path), path).to(device)
    instantiate = importlib.import_module("utils.util_common").instantiate_from_config
    diffusion = instantiate(config["diffusion"])
    gpu = device != "cpu"
    if half and gpu:
        model.dtype = torch.float16
        model.convert_to_fp16()
        autoencoder.half()

    def context() -> AbstractContextManager[Any]:
        return torch.autocast("cuda", torch.float16) if gpu and not half else nullcontext()

    def sample(lr: Tensor) -> Tensor:
        height, width = (side * SCALE for side in lr.shape[2:])
        y = padded(lr)
        with context():
            sr: Tensor = diffusion.p_sample_loop(
                y=y,
                model=model,
                first_stage_model=autoencoder,
                clip_denoised=False,
                model_kwargs={"lq": y},
                progress=False,
                **options,
            )
        return sr[:, :, :height, :width].clamp(-1, 1)

    def tiled(lr: Tensor) -> Tensor:
        splitter = importlib.import_module("utils.util_image").ImageSpliterTh
        tiles = splitter(lr, settings["chop_size"], stride=settings["chop_stride"], sf=SCALE)
        for tile, place in tiles:
            tiles.update(sample(tile), place)
        whole: Tensor = tiles.gather()
        return whole

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        batch = as_input(lr, device)
        return as_image((tiled if max(batch.shape[2:]) > settings["chop_size"] else sample)(batch))

    return restore


def load(sources: Path, settings: dict[str, Any], device: str, cache: Path) -> Restore:
    """ResShift's restoring function."""
    return driven(sources / "ResShift", sources / "weights", settings, device, {}, half=False)
