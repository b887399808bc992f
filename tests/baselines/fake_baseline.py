"""A copy of the packages with a fake baseline in it, run as users run it: in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from osediff.common.files import read_json
from osediff.common.images import write_png
from tests.helpers import ROOT


def write_inputs(folder: Path) -> None:
    """Write three LR images, a, b and c, and the sources of the fake, into ``folder``."""
    rng = np.random.default_rng(0)
    for stem in "abc":
        write_png(folder / "LR" / f"{stem}.png", rng.integers(0, 256, (8, 6, 3), np.uint8))
    (folder / "sources" / "weights").mkdir(parents=True)
    (folder / "sources" / "weights" / "fake.txt").write_text("weights")
    (folder / "sources" / "does").write_text("well")


def is_running(process: int | str) -> bool:
    """Whether a process still runs; one that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Fake:
    """A copy of the repository with the fake, its sources, and three LR images a, b, c."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("baselines", "osediff", "workflow/schemas"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(Path(__file__).parent / "fake", folder / "baselines" / "fake")
        write_inputs(folder)

    def edit(self, text: str, replacement: str) -> None:
        """Replace ``text`` in the fake's adapter."""
        path = self.folder / "baselines" / "fake" / "adapter.py"
        before = path.read_text()
        assert text in before
        path.write_text(before.replace(text, replacement))

    def does(self, what: str) -> None:
        """Set what the fake does from now on."""
        (self.folder / "sources" / "does").write_text(what)

    def command(self, *options: str, name: str = "fake") -> list[str]:
        """The command line that restores LR/ into SR/."""
        fixed = ["--input", "LR", "--output", "SR", "--record", "run.json", "--sources", "sources"]
        return [sys.executable, "-m", "baselines.runner.run", "--baseline", name, *fixed, *options]

    def run(self, *options: str, name: str = "fake") -> subprocess.CompletedProcess[str]:
        """Run the command; all of its output goes to stderr."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = self.command(*options, name=name)
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    @property
    def record(self) -> Any:
        """The record that the last run left."""
        return read_json(self.folder / "run.json")
