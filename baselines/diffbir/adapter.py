"""DiffBIR v1: the official SwinIR stage and controlled latent diffusion, through the official pipeline class.

The official inference loop fetches weights by name and imports captioners. Here, the few lines that version 1 of this
loop runs around the pipeline replace it: PIL's bicubic to 4x first, empty prompts, no guidance.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from baselines.interpolation import upsample
from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable, meta
from baselines.shared.images import SCALE_FACTOR
from baselines.shared.upstream_code import build_on_meta, load_weights, make_importable, read_checkpoint
from osediff.common.profiling import ProfiledModule, method_module
from osediff.common.settings import Settings

# Beginning of the names in the checkpoint of Stable Diffusion, by network.
PREFIXES = {"unet": "model.diffusion_model.", "vae": "first_stage_model.", "clip": "cond_stage_model."}
# Defaults of the official command: no tiles, no noise on the condition, no guidance rescaling.
DEFAULTS: dict[str, Any] = {"cleaner_tiled": False, "cleaner_tile_size": 512, "cleaner_tile_stride": 256}
DEFAULTS |= {"vae_encoder_tiled": False, "vae_encoder_tile_size": 256}
DEFAULTS |= {"vae_decoder_tiled": False, "vae_decoder_tile_size": 256}
DEFAULTS |= {"cldm_tiled": False, "cldm_tile_size": 512, "cldm_tile_stride": 256}
DEFAULTS |= {"strength": 1.0, "noise_aug": 0, "rescale_cfg": False, "order": 1}
DEFAULTS |= {"s_churn": 0.0, "s_tmin": 0.0, "s_tmax": 300.0, "s_noise": 1.0, "eta": 1.0}  # of other samplers


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    base: str
    control: str
    cleaner: str
    steps: int
    guidance: float


def patch_upstream(device: str) -> None:
    """Make the code of the checkout work with this torch and without CUDA; its files stay as they are."""
    # One of its samplers annotates with a name that torch no longer exports.
    torch.Tuple = tuple  # type: ignore[attr-defined]
    if device == "cpu":
        # Its memory monitor synchronizes CUDA whether there is any or not.
        monitor = importlib.import_module("diffbir.utils.common").VRAMPeakMonitor
        monitor.__enter__ = lambda self: self
        monitor.__exit__ = lambda self, *exception: False


def instantiate(checkout: Path, name: str) -> Any:
    """Return the object that configs/inference/``name``.yaml of the checkout describes."""
    config = yaml.safe_load((checkout / "configs" / "inference" / f"{name}.yaml").read_text(encoding="utf-8"))
    return importlib.import_module("diffbir.utils.common").instantiate_from_config(config)


def build_networks(checkout: Path, device: str) -> tuple[Any, Any]:
    """Build the cleaner (SwinIR) and the controlled latent diffusion model, without weights."""
    make_importable(checkout)
    patch_upstream(device)
    return build_on_meta(lambda: instantiate(checkout, "swinir")), build_on_meta(lambda: instantiate(checkout, "cldm"))


def layout(sources: Path, options: Options) -> dict[str, Contents]:
    """Return names and shapes of the official checkpoints, by path."""
    cleaner, cldm = build_networks(sources / "DiffBIR", "cpu")
    base = {
        prefix + name: value
        for network, prefix in PREFIXES.items()
        for name, value in getattr(cldm, network).state_dict().items()
    }
    return {
        options.base: {"state_dict": base},
        options.control: cldm.controlnet.state_dict(),
        options.cleaner: {"state_dict": cleaner.state_dict()},
    }


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, with their calls for an LR image of ``size`` pixels a side.

    The code encodes a positive and a negative condition; without guidance, the negative one is not used. SwinIR and the
    ControlNet are trained.
    """
    cleaner, cldm = build_networks(sources / "DiffBIR", "cpu")
    cleaner.to("meta")
    cldm.to("meta")
    side = -(-max(size * SCALE_FACTOR, 512) // 64) * 64
    image, latent = meta(1, 3, side, side), meta(1, 4, side // 8, side // 8)
    words, text, times = meta(1, 77, dtype=torch.long), meta(1, 77, 1024), meta(1, dtype=torch.long)
    control = [meta(*residual.shape) for residual in cldm.controlnet(latent, latent, times, text)]
    vae, controlnet, steps = cldm.vae, cldm.controlnet, options.steps
    encoder = method_module(vae, "encode", [vae.encoder, vae.quant_conv])
    decoder = method_module(vae, "decode", [vae.decoder, vae.post_quant_conv])
    trained = count_trainable(controlnet)
    yield ProfiledModule("SwinIR", cleaner, (image,), trainable=count_trainable(cleaner))
    yield ProfiledModule("text encoder", cldm.clip, (words,), calls=2)
    yield ProfiledModule("VAE encoder", encoder, (image,), calls=2)
    yield ProfiledModule("ControlNet", controlnet, (latent, latent, times, text), calls=steps, trainable=trained)
    yield ProfiledModule("UNet", _ControlledUNet(cldm.unet, control), (latent, times, text), calls=steps)
    yield ProfiledModule("VAE decoder", decoder, (latent,))


class _ControlledUNet(nn.Module):
    """The UNet with the ControlNet's residuals bound. Each call gets a copy of the list, since the UNet empties it."""

    def __init__(self, unet: nn.Module, control: list[Tensor]) -> None:
        super().__init__()
        self.unet, self.control = unet, control

    def forward(self, latent: Tensor, times: Tensor, text: Tensor) -> Any:
        """Return the predicted noise."""
        return self.unet(latent, times, text, list(self.control), False)


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    checkout, weights = sources / "DiffBIR", sources / "weights"
    cleaner, cldm = build_networks(checkout, device)
    load_weights(cleaner, read_checkpoint(weights / options.cleaner), weights / options.cleaner)
    base = read_checkpoint(weights / options.base)
    for network, prefix in PREFIXES.items():
        load_weights(getattr(cldm, network), base, weights / options.base, prefix)
    load_weights(cldm.controlnet, read_checkpoint(weights / options.control), weights / options.control)
    cldm.eval()
    diffusion = instantiate(checkout, "diffusion")
    pipeline = importlib.import_module("diffbir.pipeline").SwinIRPipeline(
        cleaner.to(device), cldm.to(device), diffusion.to(device), None, device
    )

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        sr: np.ndarray = pipeline.run(
            upsample(lr, "bicubic", SCALE_FACTOR)[None],
            steps=options.steps,
            pos_prompt="",
            neg_prompt="",
            cfg_scale=options.guidance,
            start_point_type="noise",
            sampler_type="spaced",
            **DEFAULTS,
        )
        return sr[0]

    return restore
