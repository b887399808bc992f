"""Scaling: where memory ends a row says so, and a killed run goes on."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.complexity import scaling
from benchmark.complexity.records import Timing
from benchmark.complexity.specs import ScalingSpec, TimingProtocol
from osediff.common.errors import InputError
from osediff.common.settings import write
from tests.helpers import ROOT


def growing(size: int, batch: int, device: str, protocol: TimingProtocol) -> tuple[Any, str]:
    """64 pixels are too many for its memory."""

    def run() -> None:
        if size >= 64:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return run, "nothing"


def spec(pipeline: str, sizes: tuple[int, ...], batches: tuple[int, ...]) -> ScalingSpec:
    settings = {"includes": (), "precision": "fp32", "batch": 1, "warmup": 1, "runs": 2, "seconds": None}
    return ScalingSpec(
        title="One",
        steps=1,
        pipeline=pipeline,
        options={},
        settings=TimingProtocol.model_validate(settings | {"statistic": "median"}),
        sizes=sizes,
        batches=batches,
        batch_size=32,
        limit=5.0,
    )


@pytest.mark.slow
def test_where_memory_ends_a_row_says_so_and_the_rest_is_measured(tmp_path: Path) -> None:
    write(tmp_path / "spec.yaml", spec(f"{__name__}:growing", (32, 64, 128), (1,)))
    command = [sys.executable, "-m", "benchmark.complexity.scaling", "--spec", str(tmp_path / "spec.yaml")]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "scaling")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "scaling.csv").open(newline="") as file:
        rows = {row["size"]: row for row in csv.DictReader(file)}
    assert float(rows["32"]["seconds"]) >= 0 and rows["32"]["device"]
    assert rows["64"]["note"] == "out of memory at 64 pixels, batch 1" and not rows["64"]["seconds"]
    assert rows["128"]["note"].startswith("not tried: 64 pixels, batch 1: out of memory")
    assert (tmp_path / "scaling.png").stat().st_size > 0 and not (tmp_path / "scaling.partial").exists()


def test_a_killed_run_goes_on_from_its_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, tried = spec("any:run", (8, 16), (2,)), []

    def point(of: ScalingSpec, size: int, batch: int, device: str) -> Timing:
        tried.append((size, batch))
        if len(tried) == 2:
            raise KeyboardInterrupt
        return scaling._failed(of, size, batch, "no reason")

    monkeypatch.setattr(scaling, "time_point", point)
    with pytest.raises(KeyboardInterrupt):
        scaling.measure_points(settings.model_copy(update={"batches": (1, 2)}), "cpu", tmp_path / "partial")
    assert tried == [(8, 1), (32, 1)]  # 16 is not tried after 8 failed
    points = scaling.measure_points(settings.model_copy(update={"batches": (1, 2)}), "cpu", tmp_path / "partial")
    assert tried[2:] == [(32, 1)] and [point.size for point in points] == [8, 16, 32, 32]


def test_a_pipeline_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere:run cannot be loaded"):
        scaling.measure_points(spec("nowhere:run", (8,), (1,)), "cpu", tmp_path / "partial")
