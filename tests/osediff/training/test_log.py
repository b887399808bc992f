"""The log of a training: JSON lines that a resumed training goes on with, and TensorBoard beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from osediff.training.log import TrainingLog, open_log
from tests.osediff.tiny import RECIPE, run_training
from tests.osediff.training.outputs import log_rows


@pytest.mark.slow
def test_tensorboard_and_log_say_the_same(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run_training(RECIPE, photos, backbone_folder, 0, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    log = log_rows(tmp_path)
    for name in ("mse", "vsd", "diffusion", "generator_gradient", "regularizer_gradient", "validation_psnr"):
        written = [(scalar.step, scalar.value) for scalar in events.Scalars(name)]
        assert written == [(row["step"], pytest.approx(row[name], rel=1e-6)) for row in log]


def test_lines_after_the_saved_state_are_written_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 10}\n{"step": 20}\n{"step": 30}\n{"step": 4')
    with open_log(path, 20) as log:
        log.write('{"step": 30, "again": true}\n')
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 10},
        {"step": 20},
        {"step": 30, "again": True},
    ]


def test_a_number_that_is_not_finite_is_null(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "log.jsonl", tmp_path / "tensorboard", 0, 5, active=True)
    log.write(0, 1e-3, {"mse": float("nan")}, "mse is not finite")
    log.close()
    expected = {"step": 1, "learning_rate": 1e-3, "mse": None, "diverged": "mse is not finite"}
    assert log_rows(tmp_path) == [expected]


def test_only_the_main_process_writes(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "log.jsonl", tmp_path / "tensorboard", 2, 5, active=False)
    log.write(2, 1e-3, {"mse": 1.0})
    log.flush()
    log.close()
    assert list(log.steps()) == [2, 3, 4] and not list(tmp_path.iterdir())
