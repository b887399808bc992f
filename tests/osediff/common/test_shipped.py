"""What comes with the suite is found by name, in a clone and in a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common import shipped
from osediff.common.errors import InputError
from tests.helpers import ROOT


def test_a_clone_has_it_in_its_root_and_a_wheel_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shipped.shipped("config/metrics.yaml") == ROOT / "config" / "metrics.yaml"
    (tmp_path / "osediff" / "shipped").mkdir(parents=True)
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "osediff")
    assert shipped.shipped("config/metrics.yaml") == tmp_path / "osediff" / "shipped" / "config" / "metrics.yaml"


def test_a_model_is_a_folder_or_the_name_of_a_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped.find_model("checkpoints", "demo") == ROOT / "checkpoints" / "demo"
    assert shipped.find_model("backbones", Path("demo")) == ROOT / "backbones" / "demo"
    (tmp_path / "demo").mkdir()
    assert shipped.find_model("checkpoints", "demo") == Path("demo"), "a folder here comes first"
    assert shipped.find_model("checkpoints", None) == ROOT / "checkpoints" / "demo", "but not where none was named"
    with pytest.raises(InputError, match="demos: no such folder, and none of the backbones that are installed: demo"):
        shipped.find_model("backbones", "demos")
