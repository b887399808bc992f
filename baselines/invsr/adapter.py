"""InvSR: SD-Turbo from an intermediate step, with the noise of the official predictor, through the official sampler.

The repository has its own diffusers. Its four files that differ are loaded into the installed one: the scheduler, the
encoder and the predictor of noise, and the pipeline. Chopping, padding, weights of overlaps and the prompt are those of
the official sampler's ``sample_func``.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import torch
from omegaconf import OmegaConf

from baselines.runner.adapters import Contents, Restore
from baselines.runner.profiling import count_trainable, meta
from baselines.shared import stable_diffusion_2
from baselines.shared.images import SCALE_FACTOR, to_batch
from baselines.shared.upstream_code import (
    build_on_meta,
    import_file,
    load_weights,
    make_importable,
    provide,
    read_checkpoint,
)
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import Settings

BASE, CONFIG = "sd-turbo", "configs/sample-sd-turbo.yaml"
# SD-Turbo's; its timesteps are counted from the last.
SCHEDULER = stable_diffusion_2.SCHEDULER | {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}
SCHEDULER |= {"steps_offset": 1}


class Options(Settings):
    """The values under ``settings`` of the descriptor."""

    checkpoint: str
    timestep: int
    """Step of the diffusion at which the noise of the predictor is added."""
    chopping_size: int
    """Side of a tile, in LR pixels; the tiles overlap by half."""
    chopping_bs: int
    """Tiles that are restored together."""
    tiled_vae: bool
    color_fix: Literal["none", "wavelet", "ycbcr"]


@functools.cache
def import_code(checkout: Path) -> SimpleNamespace:
    """Import the official classes: sampler, pipeline, scheduler and predictor of noise."""
    make_importable(checkout)
    import diffusers
    from diffusers.models.autoencoders import vae

    def load(folder: str, file: str) -> Any:
        name = f"diffusers.{folder.replace('/', '.')}.invsr_{file}"
        return import_file(name, checkout / "src" / "diffusers" / folder / f"{file}.py")

    vae.TimeAwareEncoder = load("models/autoencoders", "vae").TimeAwareEncoder
    scheduler = load("schedulers", "scheduling_euler_discrete").EulerDiscreteScheduler
    predictor = load("models/autoencoders", "autoencoder_kl").NoisePredictor
    official = load("pipelines/stable_diffusion", "pipeline_stable_diffusion_inversion_sr")

    class Pipeline(official.StableDiffusionInvEnhancePipeline):  # type: ignore[misc]
        def __call__(self, image: torch.Tensor, **options: Any) -> Any:
            # The sampler rounds the image to float16, also where the networks have float32.
            return super().__call__(image=image.to(self.vae.dtype), **options)

    diffusers.StableDiffusionInvEnhancePipeline = Pipeline  # type: ignore[attr-defined]
    provide("loguru", logger=None)
    provide("datapipe")
    provide("datapipe.datasets", create_dataset=None)
    sampler = importlib.import_module("sampler_invsr").InvSamplerSR
    return SimpleNamespace(sampler=sampler, pipeline=Pipeline, scheduler=scheduler, predictor=predictor)


def read_config(checkout: Path, options: Options) -> Any:
    """Read the official configuration and set what the official script sets."""
    config = OmegaConf.load(checkout / CONFIG)
    config.timesteps = [options.timestep]
    config.tiled_vae, config.color_fix = options.tiled_vae, options.color_fix.replace("none", "")
    config.basesr.chopping.pch_size, config.basesr.chopping.extra_bs = options.chopping_size, options.chopping_bs
    return config


def build_predictor(checkout: Path, options: Options) -> Any:
    """Build the predictor of noise, without weights."""
    official, sizes = import_code(checkout).predictor, read_config(checkout, options).model_start.params
    return build_on_meta(lambda: official(**OmegaConf.to_container(sizes)))


def layout(sources: Path, options: Options) -> dict[str, Contents | str]:
    """Return names and shapes of the official checkpoint, and the files of the backbone, by path."""
    return {
        **stable_diffusion_2.layout(BASE),
        f"{BASE}/scheduler/scheduler_config.json": json.dumps(SCHEDULER),
        options.checkpoint: build_predictor(sources / "InvSR", options).state_dict(),
    }


def profiled_modules(sources: Path, options: Options, size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side."""
    predictor, side = build_predictor(sources / "InvSR", options).to("meta").eval(), options.chopping_size
    tiles = (1 + max(0, -(-2 * (size - side) // side))) ** 2
    call = (meta(1, 3, side, side), meta(1))
    yield ProfiledModule("noise predictor", predictor.encoder, call, {}, tiles, count_trainable(predictor))
    for network in stable_diffusion_2.profile(stable_diffusion_2.build(), side * SCALE_FACTOR):
        yield replace(network, calls=tiles)


def load(sources: Path, options: Options, device: str, cache: Path) -> Restore:
    """Load the networks and return the function that restores one image."""
    checkout, weights = sources / "InvSR", sources / "weights"
    code, config = import_code(checkout), read_config(checkout, options)
    tokenizer, backbone = stable_diffusion_2.load(weights / BASE)
    pipeline = code.pipeline(
        **vars(backbone.to(device, torch.float32 if device == "cpu" else torch.float16)),
        tokenizer=tokenizer,
        scheduler=code.scheduler.from_pretrained(weights / BASE / "scheduler", local_files_only=True),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    if config.tiled_vae:
        pipeline.vae.enable_tiling()
        pipeline.vae.tile_latent_min_size = config.latent_tiled_size
        pipeline.vae.tile_sample_min_size = config.sample_tiled_size
    path = weights / options.checkpoint
    predictor = load_weights(build_predictor(checkout, options), read_checkpoint(path), path)
    pipeline.start_noise_predictor = predictor.to(device)
    sampler = code.sampler.__new__(code.sampler)
    sampler.configs, sampler.sd_pipe = config, pipeline

    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        (sr,) = sampler.sample_func(to_batch(lr, device))
        return np.rint(sr * np.float32(255)).astype(np.uint8)

    return restore
