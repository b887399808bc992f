"""The finished very small demo that trials work on, its jobs as command lines, and copies of it to spoil."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.outcomes import SECONDS, run
from tests.workflow.repository_copy import Workflow, copy_repository

TREES = ("results", "runs", "data")
WRITING = ("--out", "--output")  # options that name what a command writes
SMALL = 1 << 16  # bytes; larger files are linked, since every writer replaces them


@dataclass(frozen=True)
class Job:
    """One command of the workflow: the words after ``python``, and what it writes."""

    rule: str
    words: tuple[str, ...]
    outputs: tuple[str, ...]

    def inputs(self, folder: Path) -> list[str]:
        """Return the files that its words name, or that lie in folders that they name, but its outputs."""
        written = {word for option, word in zip(self.words, self.words[1:], strict=False) if option in WRITING}
        named = [word for word in self.words if (folder / word).exists() and word not in {*self.outputs, *written}]
        files = []
        for word in named:
            place = folder / word
            below = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
            files += [str(path.relative_to(folder)) for path in below if not path.name.startswith(".")]
        return [name for name in dict.fromkeys(files) if name not in self.outputs and not name.endswith(".py")]


class Sandbox:
    """A finished demo in ``folder``, whose commands run as forks of the warm process ``python``."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self.python = folder, python
        self.workflow = Workflow(folder, python)
        if not (folder / "results" / "table1.csv").exists():
            self.build()
        code, plan = self.workflow.run("-n", "-p", "--forceall")
        assert code == 0, plan
        self.jobs = sorted(read_jobs(plan), key=lambda job: job.words)

    def build(self) -> None:
        """Run the very small demo."""
        from tests.workflow.small_demo import configure  # imports torch

        copy_repository(self.folder)
        configure(self.folder)
        code, output = self.workflow.run()
        assert code == 0, output

    @contextmanager
    def copy(self, place: Path) -> Iterator[Path]:
        """Yield a copy of the demo at ``place``, and remove it afterwards."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.folder, place, copy_function=copy_or_link, symlinks=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def run(
        self, words: tuple[str, ...], folder: Path, seconds: float = SECONDS, **environment: str
    ) -> tuple[int | None, str]:
        """Run ``python`` with ``words`` in ``folder``, for ``seconds`` at most."""
        path = f"{self.python.parent}{os.pathsep}{self.workflow.environment['PATH']}"
        return run([str(self.python), *words], folder, {"PATH": path, **environment}, seconds)

    def content(self, folder: Path, outputs: tuple[str, ...]) -> dict[str, bytes]:
        """Return the bytes of the files that ``outputs`` name or contain."""
        found: dict[str, bytes] = {}
        for name in outputs:
            place = folder / name
            files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
            found |= {str(path.relative_to(folder)): path.read_bytes() for path in files if path.suffix != ".tsv"}
        return found


def copy_or_link(source: str, target: str) -> str:
    """Copy a small file, and link a large one."""
    if Path(source).stat().st_size < SMALL:
        return str(shutil.copy2(source, target))
    os.link(source, target)
    return target


def read_jobs(plan: str) -> Iterator[Job]:
    """Yield the jobs of a dry run that prints its shell commands."""
    for block in re.split(r"\n(?=(?:local)?rule \w+:\n)", plan):
        rule = re.match(r"(?:local)?rule (\w+):\n", block)
        command = re.search(r"^\s*(?:Shell command: )?(python -m .*|OMP.*)$", block, re.MULTILINE)
        output = re.search(r"^    output: (.*)$", block, re.MULTILINE)
        if not rule or not command or not output:
            continue
        line = re.sub(r" > \S+ 2>&1$| 2>&1( \| tee -i \S+)?$", "", command[1].strip())
        words = shlex.split(line)
        if words[:2] == ["python", "-m"]:
            yield Job(rule[1], tuple(words[1:]), tuple(re.split(r", (?=\S)", output[1])))
