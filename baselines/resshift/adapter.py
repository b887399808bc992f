"""ResShift: the official networks and sampler, called for one image. The repository of SinSR has the same structure.

The official driver imports the training code and moves everything to CUDA by name. What it does around the sampler
is done here: reflection to multiples of 64, tiles where a side is above ``chop_size``, half precision on a GPU, and
rounding.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable, meta
from baselines.shared.images import SCALE_FACTOR, reflect, restore_tiles, to_batch, to_image
from baselines.shared.upstream_code import build_on_meta, load_weights, make_importable, read_checkpoint
from osediff.common.profiling import ProfiledModule, method_module
from osediff.common.settings import Settings

MULTIPLE = 64  # LR pixels, of the official padding: the network halves the latent three times and attends in windows


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    config: str
    """YAML file in the checkout."""
    checkpoint: str
    autoencoder: str
    """Files below weights/ of the sources."""
    chop_size: int
    """Largest side of an LR image that is restored without tiles, and side of a tile, in LR pixels."""
    chop_stride: int
    """Distance of the tiles, in LR pixels."""


def read_config(checkout: Path, options: Options) -> dict[str, Any]:
    """Read the YAML file of the repository that ``options`` name."""
    content: dict[str, Any] = yaml.safe_load((make_importable(checkout) / options.config).read_text(encoding="utf-8"))
    return content


def build_networks(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """Build the UNet and the VQ autoencoder that ``config`` describes, without weights."""
    instantiate = importlib.import_module("utils.util_common").instantiate_from_config
    return build_on_meta(lambda: instantiate(config["model"])), build_on_meta(
        lambda: instantiate(config["autoencoder"])
    )


def layout(sources: Path, options: Options, repository: str = "ResShift") -> dict[str, Contents]:
    """Return names and shapes of the official checkpoints, by path."""
    unet, autoencoder = build_networks(read_config(sources / repository, options))
    return {options.checkpoint: unet.state_dict(), options.autoencoder: autoencoder.state_dict()}


def profiled_modules(
    sources: Path, options: Options, size: int, repository: str = "ResShift", steps: int | None = None
) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side.

    The UNet is trained. It is called ``steps`` times, or as often as the configuration of the checkout says.
    """
    config = read_config(sources / repository, options)
    unet, vq = (network.to("meta") for network in build_networks(config))
    steps = config["diffusion"]["params"]["steps"] if steps is None else steps
    side = -(-size // MULTIPLE) * MULTIPLE
    latent, image = meta(1, 3, side, side), meta(1, 3, side * SCALE_FACTOR, side * SCALE_FACTOR)
    encoder = method_module(vq, "encode", [vq.encoder, vq.quant_conv])
    decoder = method_module(vq, "decode", [vq.decoder, vq.post_quant_conv, vq.quantize])
    call = (latent, meta(1, dtype=torch.long))
    yield ProfiledModule("UNet", unet, call, {"lq": latent}, steps, count_trainable(unet))
    yield ProfiledModule("VQ encoder", encoder, (image,))
    yield ProfiledModule("VQ decoder", decoder, (latent,))


def to_input(lr: np.ndarray, device: str) -> Tensor:
    """Convert uint8 (H, W, 3) to (1, 3, H, W) in [-1, 1]."""
    return to_batch(lr, device).sub(0.5).div(0.5)


def from_output(sr: Tensor) -> np.ndarray:
    """Convert (1, 3, H, W) in [-1, 1] to uint8 (H, W, 3), clipped and rounded."""
    return to_image(sr.float().mul(0.5).add(0.5))


def make_restorer(
    checkout: Path, weights: Path, options: Options, device: str, sampling: Mapping[str, bool], half: bool
) -> Restore:
    """Load the networks of a checkout and return the function that restores one image.

    Args:
        checkout: the repository.
        weights: folder of weights.
        options: the official settings.
        device: cpu or cuda.
        sampling: further arguments of the sampler.
        half: on a GPU the networks themselves are float16 (SinSR); else they run in float16 autocast (ResShift).
    """
    config = read_config(checkout, options)
    networks: list[nn.Module] = []
    for network, name in zip(build_networks(config), (options.checkpoint, options.autoencoder), strict=True):
        networks.append(load_weights(network, read_checkpoint(weights / name), weights / name).to(device))
    unet: Any
    unet, autoencoder = networks
    diffusion = importlib.import_module("utils.util_common").instantiate_from_config(config["diffusion"])
    gpu = device != "cpu"
    if half and gpu:
        unet.dtype = torch.float16
        unet.convert_to_fp16()
        autoencoder.half()

    def context() -> AbstractContextManager[Any]:
        return torch.autocast("cuda", torch.float16) if gpu and not half else nullcontext()

    def sample(lr: Tensor) -> Tensor:
        height, width = (side * SCALE_FACTOR for side in lr.shape[2:])
        y = reflect(lr, MULTIPLE)
        with context():
            sr: Tensor = diffusion.p_sample_loop(
                y=y,
                model=unet,
                first_stage_model=autoencoder,
                clip_denoised=False,
                model_kwargs={"lq": y},
                progress=False,
                **sampling,
            )
        return sr[:, :, :height, :width].clamp(-1, 1)

    def sample_tiles(lr: Tensor) -> Tensor:
        splitter = importlib.import_module("utils.util_image").ImageSpliterTh
        return restore_tiles(splitter(lr, options.chop_size, stride=options.chop_stride, sf=SCALE_FACTOR), sample)

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        batch = to_input(lr, device)
        return from_output((sample_tiles if max(batch.shape[2:]) > options.chop_size else sample)(batch))

    return restore


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    return make_restorer(sources / "ResShift", sources / "weights", options, device, {}, half=False)
