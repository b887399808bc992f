"""Recipes: strict, complete, and read from checkpoints of trainings and of the official code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osediff.common.errors import InputError
from osediff.common.files import write_json
from osediff.common.settings import parse
from osediff.common.weights import LOSS_SHA256
from osediff.recipe import Loss, ModelRecipe, Recipe, read_model_recipe
from tests.osediff.tiny import RECIPE, RECIPE_CONTENT, VSD, merge


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"crop": 33}, "crop"),
        ({"scale_factor": 0}, "scale_factor"),
        ({"scale_factor": 3}, "crop: must be a multiple of the scale factor, 3"),
        ({"upsample_modes": ["area", "area"]}, "upsample_modes: a mode stands twice"),
        ({"rank_unit": 4}, "unknown key 'rank_unit', did you mean rank_unet"),
        ({"loss": {"regularizer": {"timesteps": [980, 20]}}}, "timesteps"),
        ({"loss": {"regularizer": {"kind": "wgan"}}}, "wgan"),
        ({"optimizer": {"betas": [0.9, 1.0]}}, "betas"),
        ({"learning_rate": 0}, "learning_rate"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(change: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as error:
        parse(merge(RECIPE_CONTENT, change), Recipe, "variants.yaml: osediff")
    assert line in str(error.value) and "\n" not in str(error.value)


def test_settings_of_one_kind_of_regularizer_do_not_go_with_another() -> None:
    loss = RECIPE_CONTENT["loss"] | {"regularizer": VSD | {"kind": "gan"}}
    with pytest.raises(InputError, match=r"at loss\.regularizer: unknown key 'domain', known: kind, weight"):
        parse(RECIPE_CONTENT | {"loss": loss}, Recipe, "variants.yaml: osediff")


def test_a_checkpoint_has_its_whole_recipe_or_that_of_restoration(tmp_path: Path) -> None:
    write_json(tmp_path / "trained.json", RECIPE.model_dump(mode="json"))
    assert read_model_recipe(tmp_path / "trained.json") == RECIPE
    converted = ModelRecipe(**{name: getattr(RECIPE, name) for name in ModelRecipe.model_fields})
    write_json(tmp_path / "converted.json", converted.model_dump(mode="json"))
    assert read_model_recipe(tmp_path / "converted.json") == converted
    write_json(tmp_path / "bad.json", {"rank_unet": 4})
    with pytest.raises(InputError, match=r"bad\.json: "):
        read_model_recipe(tmp_path / "bad.json")


def test_a_loss_names_the_networks_that_it_needs() -> None:
    def networks(perceptual: str, regularizer: dict[str, Any], discriminator: str) -> tuple[str, ...]:
        change = {"perceptual": {"kind": perceptual, "weight": 2.0}, "regularizer": regularizer}
        content = RECIPE_CONTENT["loss"] | change | {"discriminator": discriminator}
        return parse(content, Loss, "loss").networks

    gan = {"kind": "gan", "weight": 0.5}
    assert networks("encoder-features", gan, "encoder") == ()
    assert networks("lpips-vgg", VSD, "clip") == ("lpips-vgg",), "only a GAN loss has a discriminator"
    assert networks("lpips-vgg", gan, "clip") == ("lpips-vgg", "clip-vit-base-patch32")
    assert all(name in LOSS_SHA256 for name in networks("lpips-vgg", gan, "clip"))
