"""Checks beyond the models of the files: folders and files that the configuration names are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from tests.workflow.planning.configurations import MAIN, spoil
from workflow.planning import checks, loader


def test_given_folders_that_are_not_there_are_named_before_anything_runs(root: Path, tmp_path: Path) -> None:
    checks.check_folders(loader.load(MAIN, root))
    given = loader.load(MAIN | {"paths": {"drealsr": str(tmp_path / "pairs")}}, root)
    with pytest.raises(InputError, match=r"paths: drealsr: no folder .*/pairs/LR"):
        checks.check_folders(given)
    for part in ("LR", "HR"):
        (tmp_path / "pairs" / part).mkdir(parents=True)
    checks.check_folders(given)
    (tmp_path / "pairs" / "LR" / "{test_set}.png").touch()
    with pytest.raises(InputError, match=r"\{test_set\}\.png: has a brace in its name"):
        checks.check_folders(given)
    (tmp_path / "pairs" / "LR" / "{test_set}.png").rename(tmp_path / "pairs" / "LR" / "<b>.png")
    with pytest.raises(InputError, match=r"<b>\.png: has a word between < and > in its name"):
        checks.check_folders(given)
    (tmp_path / "pairs" / "LR" / "<b>.png").unlink()
    entry = {"title": "Mine", "steps": 1, "kind": "images", "images": f"{tmp_path}/mine/{{test_set}}"}
    spoil(root, "methods", "mine", value=entry)
    with pytest.raises(InputError, match=r"config/methods\.yaml: mine: images: no folder .*/mine/demo-synthetic"):
        checks.check_folders(loader.load(MAIN | {"methods": ["mine"]}, root))


def test_a_timing_that_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    record = tmp_path / "gpu.json"
    bench = loader.load(MAIN | {"timings": [str(record)]}, root)
    with pytest.raises(InputError, match=r"configuration: timings: no file .*gpu\.json; correct it, or leave it out"):
        checks.check_folders(bench)
    record.touch()
    checks.check_folders(bench)
