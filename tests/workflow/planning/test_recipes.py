"""Recipes: a variant over its base, a base over another, and terms that bring settings of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN, PAPER, spoil
from workflow.planning import loader
from workflow.planning.recipes import merge


def test_mappings_are_merged_at_every_depth_and_another_kind_replaces_the_whole() -> None:
    base = {"a": 1, "loss": {"kind": "vsd", "weight": 1.0, "guidance": 7.5}, "list": [1, 2]}
    assert merge(base, {"loss": {"weight": 2.0}, "list": [3]}) == {
        "a": 1,
        "loss": {"kind": "vsd", "weight": 2.0, "guidance": 7.5},
        "list": [3],
    }
    assert merge(base, {"loss": {"kind": "none"}})["loss"] == {"kind": "none"}
    merged = merge(base, {})
    merged["loss"]["weight"] = 9.0
    assert base["loss"] == {"kind": "vsd", "weight": 1.0, "guidance": 7.5}, "the base is not changed"


def test_a_variant_is_its_base_with_its_own_keys_over_it(root: Path) -> None:
    spoil(root, "variants", "variants", "wide", value={"rank_unet": 8, "loss": {"regularizer": {"guidance": 3.0}}})
    loaded = loader.load(MAIN, root)
    default, wide = (loaded.recipe(name).recipe.model_dump() for name in ("osediff", "wide"))
    assert default["rank_unet"] == 4 and default["loss"]["regularizer"]["guidance"] != 3.0
    default["rank_unet"], default["loss"]["regularizer"]["guidance"] = 8, 3.0
    assert wide == default


def test_photographs_in_pairs_have_no_degradation_and_others_have_one(root: Path) -> None:
    pairs = {"title": "Mine", "license": "mine", "manual_source": "my camera", "pairs": 4}
    spoil(root, "photos", "my-pairs", value=pairs)
    spoil(root, "variants", "variants", "paired", value={"photos": "my-pairs", "degradation": None})
    paired = loader.load(MAIN, root).recipe("paired")
    assert paired.photos == "my-pairs" and paired.recipe.degradation is None
    spoil(root, "variants", "variants", "paired", value={"photos": "my-pairs"})
    with pytest.raises(InputError, match="paired: my-pairs has LR/HR pairs; write `degradation: null`"):
        loader.load(MAIN, root)
    spoil(root, "variants", "variants", "paired", value={"degradation": None})
    with pytest.raises(InputError, match="paired: demo-train has no LR images; name a degradation"):
        loader.load(MAIN, root)


def test_the_variant_as_released_differs_where_the_official_script_does() -> None:
    bench = loader.load(PAPER | {"methods": ["osediff", "osediff-as-released"]}, ROOT)
    default, released = (bench.recipe(name).recipe.model_dump() for name in ("osediff", "osediff-as-released"))
    changed = {key for key in default if default[key] != released[key]}
    assert changed == {"prompts", "precision", "sampling", "loss"}
    assert (released["precision"], released["sampling"]) == ("official-fp16", "epochs")
    terms = {term for term in default["loss"] if default["loss"][term] != released["loss"][term]}
    assert terms == {"regularizer"} and released["loss"]["regularizer"]["lora_scope"] == "mid-block"
    prompts = bench.prompts.prompts[released["prompts"]]
    assert prompts.training is not None
    assert (prompts.training.extractor, prompts.training.image, prompts.restoration) == ("ram", "hq", "dape")


def test_another_kind_of_term_brings_its_own_settings_only(root: Path) -> None:
    spoil(root, "variants", "variants", "no-vsd", value={"loss": {"regularizer": {"kind": "none"}}})
    assert loader.load(MAIN, root).recipe("no-vsd").recipe.loss.regularizer.model_dump() == {"kind": "none"}


def test_a_base_changes_another_and_a_variant_changes_the_base() -> None:
    bench = loader.load(MAIN, ROOT)
    long, short = (bench.recipe("vae-rank-8", base).recipe.model_dump() for base in ("demo", "demo-short"))
    assert {key for key in long if long[key] != short[key]} == {"steps"}
    assert short["rank_vae"] == 8 and bench.recipe("osediff", "demo-short").recipe.rank_vae == 4
