"""Ablations: which runs are shared, what a table says of them, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osediff.common.errors import InputError
from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN, PAPER, spoil
from workflow.planning import ablations, prompts
from workflow.planning.configuration import Configuration
from workflow.planning.loader import load
from workflow.planning.recipes import merge

TABLES = ["table3", "table4", "table5", "table6", "table7"]


def loaded(main: dict[str, Any], folder: Path = ROOT) -> Configuration:
    """The configuration with ``main`` as its main file."""
    return load(main, folder)


def test_the_default_is_trained_once_for_all_five_tables() -> None:
    bench = loaded(MAIN)
    used = [set(ablations.trainings(bench, name)) for name in TABLES]
    shared = set.intersection(*used)
    assert shared == {f"runs/demo/train/osediff/demo-short/{seed}" for seed in MAIN["seeds"]}
    rows = {variant for name in TABLES for variant in ablations.rows(bench, name)}
    assert len(set.union(*used)) == len({ablations.canonical_variant(bench, variant) for variant in rows}) * len(
        MAIN["seeds"]
    )


def test_at_paper_scale_the_default_is_the_model_of_table_1() -> None:
    bench = loaded(PAPER)
    assert ablations.method(bench, "osediff", 0) == "osediff"
    assert ablations.method(bench, "osediff", 1) == "osediff.paper.1"
    assert ablations.evaluations(bench, "table5")[1] == "runs/paper/evaluate/osediff/realsr.csv"


@pytest.mark.parametrize(
    ("table", "trained"), [("table3", 4), ("table4", 2), ("table5", 3), ("table6", 3), ("table7", 4)]
)
def test_at_paper_scale_each_table_has_its_trainings(table: str, trained: int) -> None:
    bench = loaded(PAPER)
    folders = ablations.trainings(bench, table)
    assert len(folders) == len(set(folders)) == trained
    assert len(ablations.evaluations(bench, table)) == trained


def test_a_row_that_repeats_the_default_is_left_out_and_said_so() -> None:
    spec = ablations.table_spec(loaded(MAIN), "table4")  # the demo's prompts are null
    assert "prompt-null" not in spec.rows and "osediff" in spec.rows
    assert spec.remarks[0] == "Null: trains exactly as OSEDiff does at demo preset"
    assert spec.rows["osediff"].published == "prompt Null"
    assert ablations.table_spec(loaded(PAPER), "table4").rows["osediff"].published == "OSEDiff"


def test_a_row_whose_extractor_has_no_weights_is_absent_with_the_reason(root: Path, tmp_path: Path) -> None:
    assert list(ablations.rows(loaded(MAIN), "table4")) == ["osediff"]
    demo, paper = (ablations.table_spec(loaded(main), "table4") for main in (MAIN, PAPER))
    assert "DAPE: no row without weights: snakemake --cores 1 data/prompts/ram/manifest.json" in demo.remarks[1]
    # At the paper preset the default has DAPE's tags, whose weights a rule brings; LLaVA's nobody asked for.
    assert list(paper.rows) == ["prompt-null", "osediff"]
    assert "DAPE: trains exactly as OSEDiff does" in paper.remarks[0] and "LLaVA-v1.5: no row" in paper.remarks[1]
    here = tmp_path / "llava"
    here.mkdir()
    for file in loaded(PAPER).prompts.weights["llava"].files:
        (here / file).touch()
    bench = loaded(merge(PAPER, {"paths": {"llava": str(here)}}))
    assert list(ablations.rows(bench, "table4")) == ["prompt-null", "osediff", "prompt-llava"]
    row = ablations.table_spec(bench, "table4").rows["prompt-llava"]
    assert row.prompts == ("runs/paper/prompts/llava/512/drealsr.json",)
    assert prompts.of_training(bench, "prompt-llava", "paper", "0") == [
        "runs/paper/prompts/train/prompt-llava/paper/0.json"
    ]


def test_an_ablation_is_there_where_it_has_a_test_set(root: Path) -> None:
    spoil(root, "ablations", "table7", "test_set", value={"paper": "realsr"})
    assert ablations.active(loaded(MAIN, root)) == TABLES[:-1]
    assert ablations.active(loaded(PAPER, root)) == TABLES


ABLATION = {
    "title": "x",
    "test_set": {"demo": "demo-ablation"},
    "metrics": ["psnr"],
    "variants": {"osediff": "x"},
}


@pytest.mark.parametrize(
    ("name", "keys", "value", "message"),
    [
        ("ablations", ("table7", "variants"), {"vae-both": "both"}, "table7: lacks the default variant osediff"),
        ("ablations", ("table7", "variants", "vae-bth"), "x", "unknown variant 'vae-bth', did you mean vae-both?"),
        ("ablations", ("table7", "variants", "vae-both"), "decoder", "two rows are called 'decoder'"),
        ("ablations", ("table7", "metrics"), ["psnrr"], "unknown metric 'psnrr', did you mean psnr?"),
        ("ablations", ("table7", "test_set", "demo"), "demo-abl", "unknown test set 'demo-abl'"),
        ("ablations", ("table7", "varants"), {}, "unknown key 'varants', did you mean variants?"),
        ("ablations", ("table1",), ABLATION, "has a table of this name"),
        ("variants", ("variants", "vae-rank-2", "rank_vae"), 0, "vae-rank-2: at rank_vae: must be at least 1, not 0"),
        ("variants", ("variants", "vae-rank-2", "rank_vae"), -2, "vae-rank-2: at rank_vae: must be at least 1, not -2"),
        ("variants", ("variants", "vae-neither", "lora_targets", "unet"), False, "lora_targets: trains nothing"),
        ("variants", ("bases", "demo-short", "recipe_base"), "dmo", "demo-short: unknown base 'dmo', did you mean de"),
        ("variants", ("bases", "demo", "recipe_base"), "demo-short", "its bases go round in a circle"),
        ("variants", ("default",), "ose", "default: unknown variant 'ose'"),
    ],
)  # fmt: skip
def test_mistakes(root: Path, name: str, keys: tuple[str, ...], value: Any, message: str) -> None:
    spoil(root, name, *keys, value=value)
    with pytest.raises(InputError) as caught:
        loaded(MAIN, root)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_two_variants_of_one_name(root: Path) -> None:
    path = root / "config" / "variants.yaml"
    path.write_text(path.read_text() + "  vae-both: {rank_vae: 2}\n")
    with pytest.raises(InputError, match="vae-both stands twice"):
        loaded(MAIN, root)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("ablation_base", "long", "ablation_base: unknown base 'long'"),
        ("seeds", [0, 0], "configuration: seeds: 0 stands twice"),
    ],
)
def test_mistakes_in_the_main_file(key: str, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        loaded(MAIN | {key: value})


def test_the_plan_counts_what_baselines_restore_and_what_prompts_are_extracted() -> None:
    bench = loaded(PAPER)
    restorations = ablations.planned_restorations(bench)
    assert {entry.images for entry in restorations} == {3000 + 93 + 100}
    assert [entry.title for entry in restorations][:2] == ["BSRGAN", "Real-ESRGAN"] and len(restorations) == 10
    (dape,) = ablations.planned_extractions(bench)  # LLaVA's row is left out without its weights
    assert (dape.images, dape.method) == (14_000 * 16, "OSEDiff")
    assert ablations.planned_extractions(loaded(MAIN)) == (), "the demo has no prompts"
