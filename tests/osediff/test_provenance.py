"""Hashes of what made a file: they change with names and contents, and with nothing else."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
import torch

import osediff
from osediff import provenance
from osediff.common.errors import InputError
from osediff.models.backbone_folder import PARTS


def test_a_folder_s_hash_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("1")
    first = provenance.folder_hash(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("any")
    assert provenance.folder_hash(tmp_path) == first, "caches of Python are left out"
    (tmp_path / "in" / "a").rename(tmp_path / "in" / "b")
    renamed = provenance.folder_hash(tmp_path)
    (tmp_path / "in" / "b").write_text("2")
    assert len({first, renamed, provenance.folder_hash(tmp_path)}) == 3
    with pytest.raises(InputError, match="no such folder, or nothing in it"):
        provenance.folder_hash(tmp_path / "absent")


def test_a_backbone_s_hash_is_of_its_parts_and_not_of_its_model_card(tmp_path: Path) -> None:
    for part in PARTS:
        (tmp_path / part).mkdir()
        (tmp_path / part / "config.json").write_text("{}")
    first = provenance.backbone_hash(tmp_path)
    (tmp_path / "README.md").write_text("the card")
    assert provenance.backbone_hash(tmp_path) == first
    (tmp_path / "unet" / "config.json").write_text("[]")
    assert provenance.backbone_hash(tmp_path) != first
    (tmp_path / "vae" / "config.json").unlink()
    with pytest.raises(InputError, match="vae: no such folder, or nothing in it"):
        provenance.backbone_hash(tmp_path)


def test_the_code_of_a_training_is_that_of_its_modules() -> None:
    """A module that a training imports from losses, models, data or training decides its weights, or only writes."""
    package = Path(osediff.__file__).parent
    assert all((package / name).is_file() for name in provenance.TRAINING_CODE)
    assert len(provenance.training_code_hash()) == 64
    assert provenance.versions()["torch"] == version("torch") and torch.__version__.startswith(version("torch"))
