"""Prompts: which runs share an extraction, and what makes another one necessary."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ROOT
from tests.workflow.planning.configurations import PAPER, spoil
from workflow.planning import prompts
from workflow.planning.loader import load


def test_variants_that_see_the_same_crops_share_their_prompts() -> None:
    bench = load(PAPER, ROOT)
    shared = "runs/paper/prompts/train/osediff/paper/0.json"
    alike = ("osediff", "gan", "vae-rank-2")
    assert {prompts.of_training(bench, name, "paper", "0")[0] for name in alike} == {shared}
    assert prompts.of_training(bench, "prompt-null", "paper", "0") == []
    assert prompts.of_test_set(bench, "osediff", "drealsr") == ["runs/paper/prompts/dape/512/drealsr.json"]


def test_what_leaves_the_crops_as_they_are_extracts_no_prompt_again(root: Path) -> None:
    before = prompts.stream_recipe(load(PAPER, root).recipe("osediff").recipe)
    spoil(root, "variants", "bases", "paper", "learning_rate", value=1.0e-4)
    spoil(root, "variants", "bases", "paper", "loss", "mse", value=2.0)
    assert prompts.stream_recipe(load(PAPER, root).recipe("osediff").recipe) == before
    spoil(root, "variants", "bases", "paper", "steps", value=15000)
    assert prompts.stream_recipe(load(PAPER, root).recipe("osediff").recipe) != before


def test_an_extraction_is_told_its_images_its_weights_and_its_precision() -> None:
    cpu, gpu = load(PAPER | {"device": "cpu"}, ROOT), load(PAPER | {"device": "cuda"}, ROOT)
    assert [prompts.training_spec(bench, "osediff", "paper", 3).precision for bench in (cpu, gpu)] == ["fp32", "fp16"]
    stream = prompts.training_spec(gpu, "osediff", "paper", 3).images
    assert stream.kind == "stream" and stream.seed == 3
    folder = prompts.test_set_spec(gpu, "dape", "drealsr", 512).images
    assert folder.kind == "folder" and (folder.scale_factor, folder.process_size) == (4, 512)
    options = prompts.weights_options(gpu, "dape")
    assert options and all(option.split("=")[1].startswith("data/prompts/") for option in options)
    given = load(PAPER | {"paths": {"dape": "/elsewhere/dape"}}, ROOT)
    assert "dape=/elsewhere/dape" in prompts.weights_options(given, "dape")
