"""Settings small enough to train in seconds: networks, a degradation, a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from osediff.common.settings import parse, write
from osediff.data.degradation_recipe import Degradation
from osediff.data.photo_list import scan
from osediff.models import backbone as backbones
from osediff.models.generator import Generator
from osediff.outcome import Outcome
from osediff.recipe import Compute, Recipe, TrainingSpec
from osediff.training.run_folder import Restart, RunFolder
from osediff.training.train import train

TINY: dict[str, Any] = {
    "vae": {
        "block_out_channels": [8, 8, 16],
        "down_block_types": ["DownEncoderBlock2D"] * 3,
        "up_block_types": ["UpDecoderBlock2D"] * 3,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 4,
    },
    "unet": {
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": [8, 16],
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
        "layers_per_block": 1,
        "attention_head_dim": [2, 2],
        "cross_attention_dim": 16,
        "use_linear_projection": True,
        "norm_num_groups": 4,
    },
    "text_encoder": {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    },
    "scheduler": {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "clip_sample": False,
    },
}

DEGRADATION_CONTENT: dict[str, Any] = {
    "stages": [
        {
            "blur": {
                "probability": 1.0,
                "sinc_probability": 0.1,
                "sigma": [0.2, 3.0],
                "generalized_beta": [0.5, 4.0],
                "plateau_beta": [1.0, 2.0],
                "kernels": {"iso": 0.5, "aniso": 0.2, "generalized_iso": 0.2, "plateau_aniso": 0.1},
            },
            "resize": {"up_down_keep": [0.2, 0.7, 0.1], "range": [0.5, 1.5]},
            "noise": {
                "gaussian_probability": 0.5,
                "sigma": [1, 30],
                "poisson_scale": [0.05, 3.0],
                "gray_probability": 0.4,
            },
            "jpeg": [30, 95],
        }
    ],
    "final_sinc_probability": 0.5,
}

RECIPE_CONTENT: dict[str, Any] = {
    "rank_vae": 2,
    "rank_unet": 2,
    "alpha": 4,
    "lora_targets": {"vae_encoder": True, "vae_decoder": False, "unet": True},
    "loss": {
        "mse": 1.0,
        "perceptual": {"kind": "encoder-features", "weight": 2.0},
        "regularizer": {
            "kind": "vsd",
            "domain": "latent",
            "weight": 1.0,
            "guidance": 7.5,
            "timesteps": [20, 980],
            "lora_scope": "all",
            "negative_prompt": "blurring, jpeg artifacts",
        },
        "discriminator": "encoder",
    },
    "prompts": "null",
    "degradation": DEGRADATION_CONTENT,
    "scale_factor": 4,
    "crop": 32,
    "upsample_modes": ["bicubic"],
    "process_size": 32,
    "color_fix": "adain",
    "batch": 2,
    "steps": 6,
    "learning_rate": 1.0e-3,
    "schedule": "cosine",
    "optimizer": {"betas": [0.9, 0.999], "weight_decay": 1e-2, "gradient_clip": 1.0},
    "checkpoint_every": 2,
    "validate_every": 3,
}

VSD: dict[str, Any] = RECIPE_CONTENT["loss"]["regularizer"]


def merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``change`` over it at every depth; another ``kind`` replaces the whole."""
    if change.get("kind", base.get("kind")) != base.get("kind"):
        return change
    merged = {key: merge(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
              for key, value in change.items()}  # fmt: skip
    return base | merged


def edit(change: dict[str, Any]) -> Recipe:
    """Return the tiny recipe with ``change`` over it."""
    return parse(merge(RECIPE_CONTENT, change), Recipe, "the tests' recipe")


def with_regularizer(settings: dict[str, Any]) -> Recipe:
    """Return the tiny recipe with other settings of the regularizer, in place of all of its own."""
    loss = RECIPE_CONTENT["loss"] | {"regularizer": settings}
    return parse(RECIPE_CONTENT | {"loss": loss}, Recipe, "the tests' recipe")


DEGRADATION = parse(DEGRADATION_CONTENT, Degradation, "the tests' degradation")
RECIPE = edit({})


def run_training(
    recipe: Recipe,
    photos: Path,
    backbone: Path,
    seed: int,
    out: Path,
    compute: Compute | None = None,
    prompts: Path | None = None,
    restart: Restart = "never",
    device: str = "cpu",
) -> Outcome:
    """Train in this process."""
    spec = TrainingSpec(recipe=recipe, compute=compute or Compute(), seed=seed, device=device)
    folder = RunFolder(spec, scan(photos), backbone, out, prompts, restart)
    return train(spec, folder, folder.prompts)


def training_command(
    photos: Path, backbone: Path, out: Path, recipe: Recipe, compute: Compute | None = None
) -> list[str]:
    """Write a spec beside ``out``; return the arguments of ``python -m osediff.train``."""
    spec = out.with_name(f"{out.name}.yaml")
    write(spec, TrainingSpec(recipe=recipe, compute=compute or Compute(), threads=1))
    return ["--spec", str(spec), "--photos", str(photos), "--backbone", str(backbone), "--out", str(out)]


def make_generator(backbone_folder: Path, merged: bool) -> Generator:
    """The generator of RECIPE, the same at each call, whose adapters are not zero; ``merged``: part of the weights."""
    torch.manual_seed(0)
    generator = Generator(backbones.load(backbone_folder), RECIPE)
    for parameter in generator.parameters().values():
        parameter.data += 0.1 * torch.randn_like(parameter)
    if merged:
        generator.merge()
    return generator
