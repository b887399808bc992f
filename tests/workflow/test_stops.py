"""Runs that are stopped, that meet, or that get what they cannot use: one clear line, and the same command goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osediff.common.files import sha256
from osediff.common.images import write_png
from tests.workflow.repository_copy import TRAINED, Workflow

TARGET = f"{TRAINED}/adapters.safetensors"


def interrupt(run: subprocess.Popen[str]) -> str:
    """Ctrl-C, which a terminal sends to the whole group; the output until the end."""
    os.killpg(run.pid, signal.SIGINT)
    output, _ = run.communicate(timeout=120)
    return output


def wait_for(path: Path, run: subprocess.Popen[str]) -> None:
    """Returns as soon as ``path`` is there, while ``run`` still runs."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)


def test_two_runs_at_once_and_one_that_is_killed(untrained: Workflow) -> None:
    endless = untrained.edited("config/variants.yaml", "osediff: {}", "osediff: {steps: 100000}")
    with endless, untrained.start(TARGET) as first:
        wait_for(untrained.folder / TRAINED, first)
        code, output = untrained.run(TARGET)
        assert untrained.planned("results/radar_published_drealsr.png") == {}
        os.killpg(first.pid, signal.SIGKILL)
    assert code != 0
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "another run is writing here; wait for it or stop it" in line and "Traceback" not in output
    code, output = untrained.run(TARGET)
    assert code == 0, output


def test_ctrl_c_in_training_and_the_same_command_again(untrained: Workflow) -> None:
    folder = untrained.folder / TRAINED
    with untrained.edited("config/variants.yaml", "osediff: {}", "osediff: {steps: 20}"):
        with untrained.start(TARGET) as first:
            wait_for(folder / "state" / "state.pt", first)
            output = interrupt(first)
        assert first.returncode != 0
        assert "stopped; the same command continues" in output and "Traceback" not in output
        assert (folder / "state" / "state.pt").exists() and not (untrained.folder / TARGET).exists()

        code, output = untrained.run(TARGET)
        assert code == 0, output
        interrupted = sha256(untrained.folder / TARGET)
        shutil.rmtree(folder)
        code, output = untrained.run(TARGET)
        assert code == 0, output
        assert sha256(untrained.folder / TARGET) == interrupted


def pair(folder: Path, stem: str) -> None:
    """One LR/HR pair and its SR image."""
    rng = np.random.default_rng(0)
    write_png(folder / "pairs" / "LR" / f"{stem}.png", rng.integers(0, 256, (20, 24, 3), np.uint8))
    for place in ("pairs/HR", "my results/given"):
        write_png(folder / place / f"{stem}.png", rng.integers(0, 256, (80, 96, 3), np.uint8))


GIVEN = ("--config", "paths={given: pairs}", "metrics=[psnr, ssim]", "--")
ROWS = "runs/demo/evaluate/{}/given.csv"


def test_given_pairs_and_given_images_are_measured_where_they_are(finished: Workflow) -> None:
    for stem in "ab":
        pair(finished.folder, stem)
    targets = [ROWS.format(method) for method in ("bicubic", "mine")]
    code, output = finished.run(*GIVEN, *targets)
    assert code == 0, output
    for target in targets:
        rows = (finished.folder / target).read_text().splitlines()
        assert len(rows) == 1 + 2 * 2
    assert not (finished.folder / "data/testsets/given/HR").exists()
    assert finished.planned(*GIVEN, *targets) == {}
    # Other SR images are measured again, by themselves.
    write_png(finished.folder / "my results/given/a.png", np.zeros((80, 96, 3), np.uint8))
    assert finished.planned(*GIVEN, *targets) == {"evaluate": 1}


def gray(folder: Path) -> None:
    Image.new("L", (24, 20)).save(folder / "LR" / "b.png")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (gray, "pairs/LR/b.png: is gray"),  # others: tests/benchmark/data/test_testsets.py
        (shutil.rmtree, "paths: given: no folder pairs/LR"),
    ],
)
def test_images_that_cannot_be_used_are_named_in_the_output(finished: Workflow, spoil: object, message: str) -> None:
    assert callable(spoil)
    for stem in "ab":
        pair(finished.folder, stem)
    spoil(finished.folder / "pairs")
    code, output = finished.run(*GIVEN, ROWS.format("bicubic"))
    assert code != 0
    (line,) = {line for line in output.splitlines() if line.startswith("error: ")}
    assert message in line
    assert line in output.splitlines()[-6:]  # after all that Snakemake says about the job
    assert "Traceback" not in output


def test_a_folder_that_cannot_be_written_is_one_line(finished: Workflow) -> None:
    results = finished.folder / "results"
    aside = results.rename(finished.folder / "results aside")
    results.write_text("a file, where a folder must be")
    code, output = finished.run("results/table1.csv")
    results.unlink()
    aside.rename(results)
    assert code != 0
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "results: is a file" in line and "Traceback" not in output
