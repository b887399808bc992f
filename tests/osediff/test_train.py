"""The training command: continued to the same bytes after a kill, on several processes, clear on bad input."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from osediff import train as command
from osediff.common.errors import InputError
from osediff.common.files import lock
from osediff.outcome import read_outcome
from tests.osediff.tiny import RECIPE, edit, run_training, training_command
from tests.osediff.training.outputs import weights


def run_command(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """``python -m osediff.train`` in this process."""
    monkeypatch.setattr(sys, "argv", ["train", *arguments])
    command.main()


@pytest.mark.slow
def test_interrupted_training_ends_with_the_same_weights(
    photos: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = edit({"steps": 24, "checkpoint_every": 7})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_training(recipe, photos, backbone_folder, 0, whole)
    arguments = training_command(photos, backbone_folder, broken, recipe)
    process = subprocess.Popen([sys.executable, "-m", "osediff.train", *arguments], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not (broken / "state" / "state.pt").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)  # Ctrl-C: tests/workflow/test_stops.py
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not (broken / "adapters.safetensors").exists()
    run_command(monkeypatch, arguments)
    assert (broken / "adapters.safetensors").read_bytes() == (whole / "adapters.safetensors").read_bytes()
    assert (broken / "log.jsonl").read_text() == (whole / "log.jsonl").read_text()
    assert not (broken / "state").exists()


@pytest.mark.slow
def test_divergence_is_a_result(
    photos: Path,
    backbone_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = edit({"learning_rate": 1e30, "checkpoint_every": 1})
    out = tmp_path / "out"
    arguments = training_command(photos, backbone_folder, out, recipe)
    with pytest.raises(InputError, match=r"did not converge: .*; adapters\.safetensors is of step"):
        run_command(monkeypatch, arguments)
    run_command(monkeypatch, [*arguments, "--divergence", "record"])
    outcome = read_outcome(out)
    assert not outcome.converged and outcome.reason and re.search("not finite|above 1000", outcome.reason)
    assert outcome.photos and len(outcome.photos) == RECIPE.batch and outcome.photos[0].startswith("photo")
    assert outcome.last_good == outcome.step and outcome.step is not None and outcome.step <= 2
    assert f"did not converge: {outcome.reason} at step {outcome.step}" in capsys.readouterr().err
    assert all(tensor.isfinite().all() for tensor in weights(out).values())
    row = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()][-1]
    assert (row["step"], row["diverged"]) == (outcome.step + 1, outcome.reason) and "mse" in row


@pytest.mark.slow
def test_two_nodes_train_as_one_process(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    """Two launchers meet at an address, as on two nodes of a cluster; here it is the loopback address."""
    recipe = edit({"batch": 4, "steps": 3})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    launch = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1"]
    launch += ["--rdzv_backend", "c10d", "--rdzv_endpoint", address, "--rdzv_id", "test"]
    arguments = training_command(photos, backbone_folder, tmp_path / "two", recipe)
    command = [*launch, "-m", "osediff.train", *arguments]
    nodes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [node.communicate(timeout=400)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], errors
    assert json.loads((tmp_path / "two" / "provenance.json").read_text())["processes"] == 2
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "one")
    one, other = weights(tmp_path / "one"), weights(tmp_path / "two")
    differences = torch.cat([(one[name] - other[name]).abs().flatten() for name in one])
    # AdamW's first steps have the size of the rate whatever the gradient's, so the few weights whose gradient is nearly
    # zero show rounding errors, more or fewer by the processor; a batch that was wrongly shared moves them all.
    assert float((differences > 2e-5).float().mean()) < 1e-3
    assert float(differences.mean()) < 1e-6
    one_log, two_log = ((tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two"))
    assert json.loads(two_log[0])["vsd"] == pytest.approx(json.loads(one_log[0])["vsd"], rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"crop": 64}, "smaller than the training crop"), ({"learning_rate": 1e30}, "did not converge: ")],
)
def test_bad_settings_stop_with_one_line(
    photos: Path,
    backbone_folder: Path,
    tmp_path: Path,
    change: dict[str, Any],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InputError, match=message) as error:
        run_command(monkeypatch, training_command(photos, backbone_folder, tmp_path / "out", edit(change)))
    assert "\n" not in str(error.value)


def test_two_trainings_into_one_folder(
    photos: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with lock(out / ".lock"), pytest.raises(InputError, match="another run"):
        run_command(monkeypatch, training_command(photos, backbone_folder, out, RECIPE))
