"""What a later job reads is declared: every job, alone with its declared inputs, makes its outputs to the byte.

This is what an object storage or a node without a shared file system gives a job. What comes from outside (photographs,
weights) is on every node, and so is the code; of the code, a job here has only what its lists of checksums name.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from osediff.common.files import sha256
from tests.workflow.repository_copy import Workflow
from workflow.planning.imports import CHECKSUMS

OUTSIDE = ("data/photos", "data/weights", "backbones")
# Seconds and speeds are in a training's log.
TIMED = ("log.jsonl",)


@dataclass(frozen=True)
class Job:
    """The declared files of a job, and the shell command that made them."""

    rule: str
    command: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: str


def jobs(workflow: Workflow) -> Iterator[Job]:
    """Yield every job of a finished run, as Snakemake recorded it."""
    code, output = workflow.run("--detailed-summary")
    assert code == 0, output
    table = output[output.index("output_file\t") :]
    by_command: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["shellcmd"] not in (None, "-"):
            by_command.setdefault(row["shellcmd"], []).append(row)
    for command, rows in by_command.items():
        inputs = tuple(name for name in rows[0]["input-file(s)"].split(",") if name != "-")
        outputs = tuple(row["output_file"] for row in rows)
        yield Job(rows[0]["rule"], command, inputs, outputs, rows[0]["log-file(s)"])


def place(name: str, source: Path, target: Path) -> None:
    """Give a file or folder of ``source`` to ``target``."""
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    if (source / name).is_dir():
        shutil.copytree(source / name, target / name, copy_function=os.link, dirs_exist_ok=True)
    elif not (target / name).exists():
        os.link(source / name, target / name)


def hashes(folder: Path, name: str) -> dict[str, str]:
    """Return the sha256 of a file, or of the images of a folder."""
    paths = sorted((folder / name).glob("*.png")) if (folder / name).is_dir() else [folder / name]
    return {str(path.relative_to(folder)): sha256(path) for path in paths}


def test_every_job_needs_only_its_declared_inputs(finished: Workflow, tmp_path: Path) -> None:
    ran = set()
    path = f"{finished.python.parent}{os.pathsep}{finished.environment['PATH']}"
    for number, job in enumerate(jobs(finished)):
        # The report's page also shows samples of trainings, which are for looking at and not declared.
        if job.rule == "report" or any(output.startswith(OUTSIDE) for output in job.outputs):
            continue
        folder = tmp_path / str(number)
        code = [
            line.split()[1]
            for name in job.inputs
            if PurePath(name).match(CHECKSUMS.format(module="*"))
            for line in (finished.folder / name).read_text().splitlines()
        ]
        for name in (*job.inputs, *code, *OUTSIDE):
            if (finished.folder / name).exists() and (name in OUTSIDE or not name.startswith(OUTSIDE)):
                place(name, finished.folder, folder)
        for name in (*job.outputs, job.log):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["bash", "-c", job.command], cwd=folder, env=finished.environment | {"PATH": path}, check=False, timeout=600
        )
        log = (folder / job.log).read_text() if (folder / job.log).exists() else ""
        assert done.returncode == 0, f"{job.rule}: {job.command}\n{log}"
        for name in job.outputs:
            if not name.endswith(TIMED):
                assert hashes(folder, name) == hashes(finished.folder, name), f"{job.rule}: {name}"
        ran.add(job.rule)
        shutil.rmtree(folder)
    rules = {"cut_test_set", "degrade_test_set", "check_test_set", "train", "interpolate", "restore", "evaluate"}
    assert ran >= rules | {"table", "statistics", "compare_published", "radar", "plot_visual_comparison"}
