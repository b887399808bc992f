"""Crops, their latents and their prompts fit each other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from osediff.common.errors import InputError
from osediff.demo_backbone.photographs import draw_latents, encode_crops, load_photos
from osediff.models.settings import UNetStage
from tests.osediff.demo_backbone.tiny_recipe import SPEC, trained


def test_latents_have_unit_deviation_and_prompts_fit_the_crops(photos: Path, tmp_path: Path) -> None:
    model, loaded = trained(photos, tmp_path), load_photos(photos, SPEC.recipe.captions)
    denoiser = SPEC.recipe.stages[1]
    assert isinstance(denoiser, UNetStage)
    stage = denoiser.model_copy(update={"crops": 40, "batch": 40})
    bank = encode_crops(model, loaded, SPEC, stage, seed=5)
    assert bank.latents.shape == (40, 4, 4, 4)
    assert 0.5 < float(bank.latents.std()) < 2
    assert 8 <= sum(bank.degraded) <= 32
    latents, prompts = draw_latents(bank, SPEC.recipe, stage, torch.Generator().manual_seed(0))
    for latent, prompt in zip(latents, prompts, strict=True):
        index = next(n for n, other in enumerate(bank.latents) if torch.equal(latent, other))
        assert (prompt in ("", "nothing, at all")) != bank.degraded[index]


def test_a_photograph_without_caption_is_named(photos: Path) -> None:
    with pytest.raises(InputError, match="no caption for photo1, photo2"):
        load_photos(photos, {"photo0": "one"})
