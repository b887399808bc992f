"""A copy of the configuration that a test may spoil, and a working folder with configuration files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import ROOT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the configuration that a test may spoil."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copytree(ROOT / "baselines", tmp_path / "baselines", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a configuration file mine.yaml, one without suffix, and a file that rules made."""
    for name in ("mine.yaml", "mine", "runs/demo/specs/train.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("preset: demo\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program ``sinfo`` that the test writes; no other is found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "sinfo"
