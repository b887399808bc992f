"""Copies of the repository in which Snakemake runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.helpers import ROOT

PACKAGES = ("benchmark", "osediff", "baselines")
COPIED = ("Snakefile", "environment.yml", "config", "workflow", "profiles", "photographs", "checkpoints", *PACKAGES)
TRAINED = "runs/demo/train/osediff/demo/0"
"""Folder of the demo's only training."""


def copy_repository(folder: Path) -> None:
    """Copy the code and the configuration as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)


def read(path: Path) -> Any:
    """Read a YAML file, to be changed and written back."""
    return yaml.safe_load(path.read_text())


def write(path: Path, content: Any) -> None:
    """Write a YAML file, keys in their order."""
    path.write_text(yaml.safe_dump(content, sort_keys=False))


class Workflow:
    """Runs Snakemake in a copy of the repository."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self.python = python
        # The rules call `python`, which must be the one that runs the tests.
        self.environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start Snakemake in a process group of its own, as a terminal does; stdout and stderr are one pipe."""
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *options],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        """Return exit code and output of one call of Snakemake, whose jobs are forks of the warm process too."""
        done = subprocess.run(
            [self.python, "-m", "snakemake", "--cores", "2", *options],
            cwd=self.folder,
            env=self.environment | {"PATH": f"{self.python.parent}{os.pathsep}{self.environment['PATH']}"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=1800,
            check=False,
        )
        return done.returncode, done.stdout

    def run_by_itself(self, *options: str) -> tuple[int, str]:
        """Return exit code and output of one call of Snakemake, it and its jobs in processes of their own."""
        with self.start(*options) as process:
            output, _ = process.communicate(timeout=1800)
        return process.returncode, output

    def dry_run(self, *options: str) -> tuple[int, str]:
        """Return exit code and output of one dry run."""
        return self.run("-n", *options)

    def planned(self, *options: str) -> dict[str, int]:
        """Return the jobs that a dry run lists, by rule; empty when there is nothing to be done."""
        code, output = self.dry_run(*options)
        assert code == 0, output
        if "Nothing to be done" in output:
            return {}
        table = output.split("Job stats:", 1)[1].split("total", 1)[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.MULTILINE)}
        return {name: count for name, count in jobs.items() if name != "all"}

    @contextmanager
    def edited(self, name: str, text: str, replacement: str) -> Iterator[None]:
        """Replace ``text`` in a file, for the block."""
        path = self.folder / name
        before = path.read_text()
        assert text in before, f"{name} has no {text!r}"
        path.write_text(before.replace(text, replacement))
        try:
            yield
        finally:
            path.write_text(before)
