"""Another scale factor than 4, from the training to the table."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image

from osediff.common.files import read_json
from tests.workflow.repository_copy import Workflow

CHOICE = ("recipe_base=demo-x2", "test_sets=[demo-x2]", "methods=[bicubic, osediff]", "pictures=[]")


@pytest.mark.slow
def test_a_factor_of_two_from_the_training_to_the_table(finished: Workflow, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    shutil.copytree(finished.folder, folder)
    code, output = Workflow(folder, finished.python).run("results/table1.csv", "--config", *CHOICE)
    assert code == 0, output
    runs = folder / "runs" / "demo"
    assert read_json(runs / "train/osediff/demo-x2/0/recipe.json")["scale_factor"] == 2
    for method in ("bicubic", "osediff"):
        for sr in sorted((runs / "restore" / method / "demo-x2").rglob("*.png")):
            lr, hr = (folder / "data/testsets/demo-x2" / kind / sr.name for kind in ("LR", "HR"))
            assert [Image.open(path).size for path in (lr, sr, hr)] == [(96, 96), (192, 192), (192, 192)]
    with (folder / "results" / "table1.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["test_set"], row["method"], row["images"]) for row in rows] == [
        ("demo-x2", "Bicubic", "2"),
        ("demo-x2", "OSEDiff", "2"),
    ]
