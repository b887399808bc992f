"""A backbone's folder: fetched from the first mirror that has it, taken from here, or random and known as such."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from osediff import restore
from osediff.common.errors import InputError
from osediff.common.files import read_json, sha256, write_json
from osediff.common.images import write_png
from osediff.common.restore_folder import refuse_random, unusable
from osediff.common.validation import dump_yaml
from osediff.models import backbone as backbones
from osediff.models import backbone_folder, fetch_backbone
from tests.osediff.tiny import TINY, edit, run_training

RANDOM: dict[str, Any] = {
    "title": "Tiny",
    "license": "none",
    "folder": "unused",
    "random": {"seed": 3, "words": "blurring", "sizes": TINY},
}


def specification(url: str, folder: Path) -> dict[str, Any]:
    """A backbone's entry whose first mirror has nothing."""
    files: dict[str, Any] = {str(p.relative_to(folder)): None for p in folder.rglob("*") if p.is_file()}
    weights = "vae/diffusion_pytorch_model.safetensors"
    files[weights] = {"sha256": sha256(folder / weights)}
    mirrors = [{"name": "gone", "url": url, "revision": "v0"}, {"name": "second", "url": url, "revision": "v1"}]
    download = {"title": "Tiny", "license": "none", "mirrors": mirrors, "files": files}
    return {"title": "Tiny", "license": "none", "folder": "unused", "download": download}


def fetch(monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any], out: Path, *options: str) -> None:
    """``python -m osediff.models.fetch_backbone``, in this process."""
    file = out.parent / "spec.yaml"
    file.write_text(dump_yaml(spec), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["fetch_backbone", "--spec", str(file), "--out", str(out), *options])
    fetch_backbone.main()


def test_the_first_mirror_that_has_it_is_named(
    served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "fetched"
    fetch(monkeypatch, specification(*served), out)
    manifest = read_json(out / "manifest.json")
    assert (manifest["weights"], manifest["mirror"], manifest["revision"]) == ("pretrained", "second", "v1")
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == sha256(out / name) == sha256(served[1] / name)
    origin = {"weights": "pretrained", "mirror": "second", "revision": "v1", "provided_locally": False}
    assert backbone_folder.source(out) == origin
    assert torch.equal(backbones.load(out).unet.conv_in.weight, backbones.load(served[1]).unet.conv_in.weight)


def test_a_file_with_another_sha256_is_not_taken(
    served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = specification(*served)
    spec["download"]["files"]["vae/diffusion_pytorch_model.safetensors"] = {"sha256": "0" * 64}
    with pytest.raises(
        InputError, match=r"/v1/vae/diffusion_pytorch_model\.safetensors: its sha256 is not 000000000000"
    ):
        fetch(monkeypatch, spec, tmp_path / "fetched")
    assert not (tmp_path / "fetched" / "manifest.json").exists()


def test_offline_takes_what_lies_there_and_nothing_else(
    served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, out = specification(*served), tmp_path / "fetched"
    with pytest.raises(InputError, match="the run is offline"):
        fetch(monkeypatch, spec, out, "--offline")
    shutil.copytree(served[1], out, dirs_exist_ok=True)
    fetch(monkeypatch, spec, out, "--offline")
    origin = {"weights": "pretrained", "mirror": None, "revision": None, "provided_locally": True}
    assert backbone_folder.source(out) == origin
    monkeypatch.setenv("OSEDIFF_OFFLINE", "1")  # as the workflow asks for it
    with pytest.raises(InputError, match="the run is offline"):
        fetch(monkeypatch, spec, tmp_path / "elsewhere")
    fetch(monkeypatch, spec, tmp_path / "copied", "--local", str(out))
    assert backbone_folder.source(tmp_path / "copied") == origin


@pytest.mark.slow
def test_what_random_weights_made_is_never_evaluated(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    backbone, checkpoint = tmp_path / "random", tmp_path / "checkpoint"
    fetch(monkeypatch, RANDOM, backbone)
    assert backbone_folder.source(backbone)["weights"] == "random"
    run_training(edit({"steps": 2}), photos, backbone, 0, checkpoint)
    assert read_json(checkpoint / "provenance.json")["backbone_source"]["weights"] == "random"
    write_png(tmp_path / "LR" / "0.png", np.zeros((8, 8, 3), np.uint8))
    command = ["restore", "--input", tmp_path / "LR", "--output", tmp_path / "SR", "--checkpoint", checkpoint]
    monkeypatch.setattr(sys, "argv", [*map(str, command), "--backbone", str(backbone)])
    restore.main()
    assert "random weights" in unusable(tmp_path / "run.json")
    with pytest.raises(InputError, match="random weights, which are never evaluated"):
        refuse_random(tmp_path / "SR")


def test_random_weights_are_the_same_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        fetch(monkeypatch, RANDOM, tmp_path / name)
    one, two = (read_json(tmp_path / name / "manifest.json")["files"] for name in ("one", "two"))
    weights = {name: entry["sha256"] for name, entry in one.items() if name.endswith(".safetensors")}
    assert len(weights) == 3 and weights == {name: two[name]["sha256"] for name in weights}


def test_a_velocity_predicting_checkpoint_is_refused(
    served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = served[1] / "scheduler" / "scheduler_config.json"
    write_json(scheduler, read_json(scheduler) | {"prediction_type": "v_prediction"})
    with pytest.raises(InputError, match="needs epsilon"):
        backbones.load(served[1])
    with pytest.raises(InputError, match="needs epsilon"):
        fetch(monkeypatch, specification(*served), tmp_path / "fetched")
