"""The small demo that runs on Slurm, and how the tests look at it while it runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from osediff.common.files import sha256
from tests.helpers import ROOT
from tests.workflow.repository_copy import Workflow, read, write
from tests.workflow.small_demo import configure as configure_small_demo

PATIENCE_SECONDS = 900
PROFILE = ("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "5")
STEPS = 40


def configure(folder: Path) -> None:
    """Make the demo very small, add the fake baseline, and let the training take long enough to be stopped."""
    configure_small_demo(folder)
    shutil.copytree(ROOT / "tests" / "baselines" / "fake", folder / "baselines" / "fake")
    (folder / "given" / "weights").mkdir(parents=True)
    (folder / "given" / "weights" / "fake.txt").write_text("weights")
    (folder / "given" / "does").write_text("well")
    variants = read(folder / "config" / "variants.yaml")
    variants["bases"]["demo"]["steps"] = STEPS
    write(folder / "config" / "variants.yaml", variants)
    main = read(folder / "config" / "config.yaml")
    main["methods"].append("fake")
    main["baselines"]["sources"] = "given"
    write(folder / "config" / "config.yaml", main)


@contextmanager
def running(workflow: Workflow, output: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run Snakemake for the block, with all that it prints in the file ``output``; a pipe would fill up unread."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *options]
    with output.open("w") as file:
        process = subprocess.Popen(
            command, cwd=workflow.folder, env=workflow.environment, text=True, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], bool], run: subprocess.Popen[str]) -> None:
    """Return as soon as ``condition`` holds, while ``run`` still runs."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert run.poll() is None, "the run ended before"
        assert time.monotonic() < deadline
        time.sleep(0.2)


def results(workflow: Workflow) -> dict[str, str]:
    """Return the sha256 of everything that a run is for: images, rows, adapters and all of results/."""
    folder = workflow.folder
    patterns = ("results/*", "runs/**/SR/*.png", "runs/**/evaluate/**/*.csv", "runs/**/adapters.safetensors")
    paths = [path for pattern in patterns for path in folder.glob(pattern) if path.is_file()]
    return {str(path.relative_to(folder)): sha256(path) for path in paths}
