"""A baseline's cost, beside the fake: its own code is timed and counted, and what breaks is a row that says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

from tests.baselines.fake_baseline import Fake
from tests.helpers import ROOT


def cost(fake: Fake, module: str, *options: str) -> subprocess.CompletedProcess[str]:
    """``python -m module`` in the fake's copy, where ``benchmark`` is the repository's."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", module, *options, "--out", "cost.json"]
    return subprocess.run(command, cwd=fake.folder, env=environment, capture_output=True, text=True, check=False)


def timed(fake: Fake, *options: str) -> tuple[subprocess.CompletedProcess[str], Any]:
    """The command that times the fake, and what it wrote."""
    (fake.folder / "config").mkdir(exist_ok=True)
    shutil.copy(ROOT / "config" / "timing.yaml", fake.folder / "config")
    about = {"title": "Fake", "steps": 1, "precision": "its own", "pipeline": "baselines.runner.timing:pipeline"}
    about["options"] = {"baseline": "fake", "sources": "sources", "weights": "official"}
    done = cost(fake, "benchmark.complexity.timing", "--spec", json.dumps(about), "--size", "64", "--contain", *options)
    written = fake.folder / "cost.json"
    return done, json.loads(written.read_text()) if written.exists() else None


def test_a_baseline_is_timed_by_its_own_code(fake: Fake) -> None:
    done, found = timed(fake)
    assert done.returncode == 0, done.stderr
    assert (found["title"], found["precision"], found["runs"]) == ("Fake", "its own", 50)
    assert "all that its code does" in found["includes"] and "official weights" in found["includes"]


def test_nothing_is_fetched_while_it_is_timed(fake: Fake) -> None:
    fake.does("fetch load")
    _, found = timed(fake)
    assert "wants to fetch from example.org" in found["failed"]


def test_a_baseline_that_breaks_is_a_row_and_missing_weights_are_an_error(fake: Fake) -> None:
    fake.edit("sr = lr.repeat(4, 0)", "sr = lr.repeat(nothing, 0)")
    done, found = timed(fake)
    assert done.returncode == 0 and found["failed"].startswith("NameError: name 'nothing'") and "seconds" not in found
    (fake.folder / "cost.json").unlink()
    (fake.folder / "sources" / "weights" / "fake.txt").unlink()
    done, found = timed(fake)
    assert done.returncode == 2 and found is None
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ") and "fake.txt" in line]


def test_a_batch_is_refused(fake: Fake) -> None:
    done, found = timed(fake, "--batch", "2")
    assert done.returncode == 2 and found is None and "takes one at a time" in done.stderr


def test_a_count_that_breaks_is_a_row_and_no_parts_are_an_error(fake: Fake) -> None:
    done = cost(fake, "baselines.runner.counting", "--baseline", "fake", "--sources", "sources")
    assert done.returncode == 2 and "error: Fake: its adapter names no parts to be counted" in done.stderr
    fake.edit("def load(", "def parts(sources, settings, size):\n    raise ImportError('no odd')\n\n\ndef load(")
    done = cost(fake, "baselines.runner.counting", "--baseline", "fake", "--sources", "sources")
    assert done.returncode == 0
    assert json.loads((fake.folder / "cost.json").read_text())["failed"] == "ImportError: no odd"
