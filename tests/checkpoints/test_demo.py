"""The shipped checkpoint is what its recipe and its provenance say, and restores better than bicubic interpolation."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.metrics.build import build_pair_metric, unavailable_reason
from benchmark.metrics.registry import read_registry
from osediff import OSEDiff, restore
from osediff.common.files import read_json, sha256
from osediff.common.images import read_rgb
from osediff.data.degradation import degrade
from osediff.models.adapter_files import read_adapters
from osediff.outcome import read_outcome
from osediff.recipe import read_model_recipe
from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN
from workflow.planning import loader as registry

CHECKPOINT, BACKBONE = ROOT / "checkpoints" / "demo", ROOT / "backbones" / "demo"
HELD_OUT = ("portrait", "office", "library")  # of photographs/cid22: nobody trained on these


def test_it_was_trained_by_the_recipe_of_this_repository() -> None:
    recipe = registry.load(MAIN | {"recipe_base": "demo-long"}, ROOT).recipe("osediff").recipe
    assert read_model_recipe(CHECKPOINT / "recipe.json") == recipe
    outcome = read_outcome(CHECKPOINT)
    assert outcome.converged and outcome.steps == recipe.steps
    assert read_adapters(CHECKPOINT), "the file that the provenance names"


def test_a_photograph_of_the_user_is_restored_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (24, 16), (90, 120, 60)).save(tmp_path / "photo.png")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["restore", "--input", f"{tmp_path}/photo.png", "--output", f"{tmp_path}/SR"])
    restore.main()
    record = read_json(tmp_path / "run.json")
    assert isinstance(record, dict)
    assert record["adapters"] == sha256(CHECKPOINT / "adapters.safetensors")
    assert read_rgb(tmp_path / "SR" / "photo.png").shape == (64, 96, 3)


@pytest.mark.slow
@pytest.mark.parametrize("degradation", ["realesrgan-second-order", "camera-soft", "camera-noisy"])
def test_it_is_closer_to_held_out_photographs_than_bicubic(degradation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    metrics = read_registry(Path("config/metrics.yaml"), "osediff")
    selection = metrics.select({"lpips": metrics.metrics["lpips"]})
    if reason := unavailable_reason("lpips", selection):
        pytest.skip(reason)
    lpips = build_pair_metric("lpips", selection)
    settings = registry.load(MAIN, ROOT).degradations[degradation]
    model = OSEDiff.from_pretrained(CHECKPOINT, BACKBONE)
    distances = []
    for stem in HELD_OUT:
        hr = read_rgb(ROOT / "photographs" / "cid22" / f"{stem}.png")[:192, :192]
        lr = degrade(hr, settings, 4, np.random.default_rng(zlib.crc32(stem.encode())))
        bicubic = Image.fromarray(lr).resize((192, 192), Image.Resampling.BICUBIC)
        distances.append((lpips(model(lr), hr), lpips(np.asarray(bicubic), hr)))
    ours, theirs = np.mean(distances, axis=0)
    assert ours < 0.95 * theirs
