"""DiffBIR v1: the authors' SwinIR stage and controlled latent diffusion, through their own pipeline class.

Their inference loop fetches weights by name and imports captioners; it is replaced by the few lines around the
pipeline that version 1 of it runs: PIL's bicubic to 4x first, empty prompts, no guidance.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image
from torch import Tensor, nn

from baselines.runner.profiling import count_trainable, meta
from baselines.shared.upstream_code import Restore, built, checkpoint, filled, importable
from osediff.common.profiling import ProfiledModule, method_module

SCALE = 4
PARTS = {
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "clip": "cond_stage_model.",
}  # of SD's checkpoint
# What the official command leaves at its defaults: no tiles, no noise on the condition, no guidance rescaling.
UNTILED = {"cleaner_tiled": False, "cleaner_tile_size": 512, "cleaner_tile_stride": 256}
UNTILED |= {"vae_encoder_tiled": False, "vae_encoder_tile_size": 256}
UNTILED |= {"vae_decoder_tiled": False, "vae_decoder_tile_size": 256}
UNTILED |= {"cldm_tiled": False, "cldm_tile_size": 512, "cldm_tile_stride": 256}
OTHERS = {"strength": 1.0, "noise_aug": 0, "rescale_cfg": False, "order": 1}
OTHERS |= {"s_churn": 0.0, "s_tmin": 0.0, "s_tmax": 300.0, "s_noise": 1.0, "eta": 1.0}  # of other samplers


def mend(device: str) -> None:
    """Makes the checkout importable on this torch and usable without CUDA; it stays as it is."""
    # One of its samplers annotates with a name that torch no longer re-exports.
    torch.Tuple = tuple  # type: ignore[attr-defined]
    if device == "cpu":
        # Its memory monitor synchronises CUDA whether there is any or not.
        monitor = importlib.import_module("diffbir.utils.common").VRAMPeakMonitor
        monitor.__enter__ = lambda self: self
        monitor.__exit__ = lambda self, *exception: False


def instantiate(checkout: Path, name: str) -> Any:
    """The object that configs/inference/``name``.yaml of the checkout describes."""
    config = yaml.safe_load((checkout / "configs" / "inference" / f"{name}.yaml").read_text(encoding="utf-8"))
    return importlib.import_module("diffbir.utils.common").instantiate_from_config(config)


def networks(checkout: Path, device: str) -> tuple[nn.Module, Any]:
    """The cleaner (SwinIR) and the controlled latent diffusion model, without weights."""
    importable(checkout)
    mend(device)
    return built(lambda: instantiate(checkout, "swinir")), built(lambda: instantiate(checkout, "cldm"))


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Names and shapes of what the official checkpoints hold, by path (baselines.shared.random_weights)."""
    cleaner, cldm = networks(sources / "DiffBIR", "cpu")
    base = {
        prefix + name: value
        for part, prefix in PARTS.items()
        for name, value in getattr(cldm, part).state_dict().items()
    }
    control = cldm.controlnet.state_dict()
    return {
        settings["base"]: {"state_dict": base},
        settings["control"]: control,
        settings["cleaner"]: {"state_dict": cleaner.state_dict()},
    }


def profiled_modules(sources: Path, settings: dict[str, Any], size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side.

    The code encodes a condition and its opposite, which without guidance nothing uses. SwinIR and the ControlNet are
    trained.
    """
    cleaner, cldm = networks(sources / "DiffBIR", "cpu")
    cleaner.to("meta")
    cldm.to("meta")
    side = -(-max(size * SCALE, 512) // 64) * 64
    image, latent = meta(1, 3, side, side), meta(1, 4, side // 8, side // 8)
    words, text, times = meta(1, 77, dtype=torch.long), meta(1, 77, 1024), meta(1, dtype=torch.long)
    control = [meta(*each.shape) for each in cldm.controlnet(latent, latent, times, text)]
    vae = cldm.vae
    encoder = method_module(vae, "encode", [vae.encoder, vae.quant_conv])
    decoder = method_module(vae, "decode", [vae.decoder, vae.post_quant_conv])
    controlnet, steps = cldm.controlnet, settings["steps"]
    trained = count_trainable(controlnet)
    yield ProfiledModule("SwinIR", cleaner, (image,), trainable=count_trainable(cleaner))
    yield ProfiledModule("text encoder", cldm.clip, (words,), calls=2)
    yield ProfiledModule("VAE encoder", encoder, (image,), calls=2)
    yield ProfiledModule("ControlNet", controlnet, (latent, latent, times, text), calls=steps, trainable=trained)
    # The UNet empties the list that it is given.
    denoise = _WithControl(cldm.unet, control)
    yield ProfiledModule("UNet", denoise, (latent, times, text), calls=steps)
    yield ProfiledModule("VAE decoder", decoder, (latent,))


class _WithControl(nn.Module):
    """The UNet with the ControlNet's residuals bound, since it empties the list of them."""

    def __init__(self, unet: nn.Module, control: list[Tensor]) -> None:
        super().__init__()
        self.unet, self.control = unet, control

    def forward(self, latent: Tensor, times: Tensor, text: Tensor) -> Any:
        return self.unet(latent, times, text, list(self.control), False)


def fill(cldm: Any, base: Mapping[str, Tensor], path: Path) -> None:
    """Gives ``cldm`` the weights of Stable Diffusion's own checkpoint."""
    for part, prefix in PARTS.items():
        filled(getattr(cldm, part), base, path, prefix)


def load(sources: Path, settings: dict[str, Any], device: str, cache: Path) -> Restore:
    """DiffBIR's restoring function."""
    checkout, weights = sources / "DiffBIR", sources / "weights"
    cleaner, cldm = networks(checkout, device)
    filled(cleaner, checkpoint(weights / settings["cleaner"]), weights / settings["cleaner"])
    fill(cldm, checkpoint(weights / settings["base"]), weights / settings["base"])
    filled(cldm.controlnet, checkpoint(weights / settings["control"]), weights / settings["control"])
    cldm.eval()
    diffusion = instantiate(checkout, "diffusion")
    pipeline = importlib.import_module("diffbir.pipeline").SwinIRPipeline(
        cleaner.to(device), cldm.to(device), diffusion.to(device), None, device
    )

    @torch.no_grad()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        size = (lr.shape[1] * SCALE, lr.shape[0] * SCALE)
        enlarged = np.asarray(Image.fromarray(lr).resize(size, Image.Resampling.BICUBIC))
        sr: np.ndarray = pipeline.run(
            enlarged[None],
            steps=settings["steps"],
            pos_prompt="",
            neg_prompt="",
            cfg_scale=settings["guidance"],
            start_point_type="noise",
            sampler_type="spaced",
            **UNTILED,
            **OTHERS,
        )
        return sr[0]

    return restore
