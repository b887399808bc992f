"""The record of a benchmark: what ran where, and what each piece of work took on each side."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from pydantic import Field

from osediff.common.errors import InputError
from osediff.common.files import read_json, write_json
from osediff.common.settings import Settings, Text, parse

RECORDS = Path(__file__).parent / "records"
Seconds = Annotated[float, Field(ge=0)]


class Run(Settings):
    """One piece of work of one side."""

    work: Text
    side: Text
    wall: Seconds
    """Seconds by the clock."""
    cpu: Seconds
    """Seconds of CPU time, of all threads."""
    peak: Annotated[float, Field(ge=0)]
    """Highest memory of the process so far, GB."""


class Difference(Settings):
    """How far the values of a side are from those of the first side."""

    work: Text
    side: Text
    largest: Annotated[float, Field(ge=0)]
    unit: str = ""


class Record(Settings):
    """A benchmark; the first side of ``sides`` is what the others are compared with."""

    command: Text
    date: Text
    commit: Text
    machine: Text
    versions: dict[str, str]
    threads: Annotated[int, Field(ge=1)]
    load: tuple[float, float]
    """Average number of waiting processes in the last minute, before and after: other work that ran beside it."""
    sides: Annotated[tuple[Text, ...], Field(min_length=1)]
    runs: tuple[Run, ...]
    differences: tuple[Difference, ...] = ()


def describe_machine() -> str:
    """Return processor, number of cores and memory."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB"


def read_commit() -> str:
    """Return the commit that is checked out, and whether a file was changed since; InputError without git."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(f"{Path.cwd()}: git does not name its commit, which a record needs; run in a clone") from error


class Recorder:
    """Collects runs and differences, and writes the record of the commit and the day of its start."""

    def __init__(self, module: str, sides: tuple[str, ...], libraries: tuple[str, ...], threads: int) -> None:
        self.module, self.sides, self.threads, self.load = module, sides, threads, os.getloadavg()[0]
        self.commit, self.date = read_commit(), datetime.date.today().isoformat()
        self.versions = {name: version(name) for name in libraries}
        self.runs: list[Run] = []
        self.differences: list[Difference] = []

    def add(self, work: str, side: str, answer: dict[str, float]) -> None:
        """Add what a side has answered (tools.official.sides.serving)."""
        wall, cpu, peak = (round(float(answer[name]), 4) for name in ("wall", "cpu", "peak"))
        self.runs.append(Run(work=work, side=side, wall=wall, cpu=cpu, peak=peak))

    def write(self, name: str) -> None:
        """Write the record ``name``; InputError if the code is not that of the start."""
        if (commit := read_commit()) != self.commit:
            raise InputError(f"{Path.cwd()}: was at {self.commit} and is at {commit} now; measure again, in one state")
        # Of a path outside of this folder, only its name: it is another one on each machine.
        arguments = [Path(argument).name if Path(argument).is_absolute() else argument for argument in sys.argv[1:]]
        record = Record(
            command=shlex.join(["python", "-m", self.module, *arguments]),
            date=self.date,
            commit=self.commit,
            machine=describe_machine(),
            versions=self.versions,
            threads=self.threads,
            load=(round(self.load, 1), round(os.getloadavg()[0], 1)),
            sides=self.sides,
            runs=tuple(self.runs),
            differences=tuple(self.differences),
        )
        write_json(RECORDS / f"{name}.json", record.model_dump(mode="json"))


def read_record(name: str) -> Record:
    """Read the record ``name``; InputError if there is none, or it is damaged."""
    path = RECORDS / f"{name}.json"
    if not path.exists():
        raise InputError(f"{path}: no such record; python -m tools.benchmarks.{name} --help")
    return parse(read_json(path), Record, str(path))
