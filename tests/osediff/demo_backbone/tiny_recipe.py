"""A training of the demo's backbone that takes a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from osediff.common.settings import parse
from osediff.demo_backbone.photographs import load_photos
from osediff.demo_backbone.stages import new_backbone, train_stage
from osediff.models.backbone import Backbone
from osediff.models.settings import DemoBackboneSpec
from tests.osediff.tiny import DEGRADATION_CONTENT, TINY

STAGE = {"steps": 4, "batch": 2, "learning_rate": 1e-3, "hidden_learning_rate": 1e-2}
RECIPE: dict[str, Any] = {
    "seed": 0,
    "crop": 16,
    "degradation": "tiny",
    "negative_prompt": "blurring, jpeg artifacts, lowres.",
    "captions": {f"photo{index}": "nothing, at all" for index in range(3)},
    "sizes": TINY,
    "checkpoint_every": 2,
    "stages": [
        STAGE
        | {"name": "autoencoder", "trains": "vae", "kl_weight": 1e-4, "color_weight": 1.0, "perceptual_weight": 1.0},
        STAGE
        | {
            "name": "denoiser",
            "trains": "unet",
            "crops": 12,
            "degraded_share": 0.5,
            "caption_dropout": 0.5,
            "late_share": 0.5,
        },
    ],
}
SPEC = parse({"recipe": RECIPE, "degradation": DEGRADATION_CONTENT}, DemoBackboneSpec, "tiny recipe")


def trained(photos: Path, work: Path) -> Backbone:
    """A backbone after every stage of ``SPEC``, with states in ``work``."""
    work.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    loaded = load_photos(photos, SPEC.recipe.captions)
    model = new_backbone(SPEC.recipe)
    for number in range(len(SPEC.recipe.stages)):
        train_stage(number, model, loaded, SPEC, work)
    return model
