"""Training: it learns, it can be killed and continued to the same weights, and it stops clearly on bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from osediff.train import train
from tests.osediff.conftest import RECIPE


def run_command(photos: Path, backbone: Path, out: Path, recipe: dict[str, Any]) -> list[str]:
    """The command line of a training run."""
    options = ["--photos", photos, "--backbone", backbone, "--out", out, "--threads", 1, "--recipe", json.dumps(recipe)]
    return [sys.executable, "-m", "osediff.train", *map(str, options)]


def test_interrupted_training_ends_with_the_same_weights(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    recipe = RECIPE | {"steps": 60, "checkpoint_every": 7}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(run_command(photos, backbone_folder, whole, recipe), check=True, capture_output=True)
    command = run_command(photos, backbone_folder, broken, recipe)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (broken / "state" / "state.pt").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not (broken / "adapters.safetensors").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert (broken / "adapters.safetensors").read_bytes() == (whole / "adapters.safetensors").read_bytes()
    assert (broken / "log.jsonl").read_text() == (whole / "log.jsonl").read_text()
    assert not (broken / "state" / "state.pt").exists()


def test_a_state_of_other_settings_is_not_taken_up(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    first = tmp_path / "first"
    recipe = RECIPE | {"learning_rate": 1e30, "steps": 6, "checkpoint_every": 1}
    with pytest.raises(Exception, match="not finite"):
        train(recipe, photos, backbone_folder, 0, first, "cpu")
    assert (first / "state" / "state.pt").exists()
    train(RECIPE, photos, backbone_folder, 0, first, "cpu")
    train(RECIPE, photos, backbone_folder, 0, tmp_path / "second", "cpu")
    mine, other = load_file(first / "adapters.safetensors"), load_file(tmp_path / "second" / "adapters.safetensors")
    assert all(torch.equal(mine[name], other[name]) for name in other)


def test_the_loss_falls(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipe = RECIPE | {"steps": 100, "learning_rate": 5e-3, "batch": 4, "checkpoint_every": 100}
    recipe["loss"] = RECIPE["loss"] | {"regulariser": {"kind": "none"}}
    train(recipe, photos, backbone_folder, 0, tmp_path, "cpu")
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    total = [row["mse"] + 2 * row["perceptual"] for row in log]
    assert sum(total[-3:]) < 0.8 * sum(total[:3])


def test_what_is_tuned_is_what_changes(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    for part in ("vae_encoder", "vae_decoder", "unet"):
        tune = {"vae_encoder": False, "vae_decoder": False, "unet": False} | {part: True}
        train(RECIPE | {"tune": tune, "steps": 2}, photos, backbone_folder, 0, tmp_path / part, "cpu")
        names = load_file(tmp_path / part / "adapters.safetensors")
        prefix = {
            "vae_encoder": ("vae.encoder.", "vae.quant_conv."),
            "vae_decoder": ("vae.decoder.", "vae.post_quant_conv."),
        }
        assert names and all(name.startswith(prefix.get(part, ("unet.",))) for name in names)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"crop": 64}, "smaller than the training crop"), ({"learning_rate": 1e30}, "not finite at step")],
)
def test_bad_settings_stop_with_one_line(
    photos: Path, backbone_folder: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    done = subprocess.run(
        run_command(photos, backbone_folder, tmp_path, RECIPE | change), capture_output=True, text=True
    )
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and message in errors[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "adapters.safetensors").exists()


def test_two_trainings_into_one_folder(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    command = run_command(photos, backbone_folder, tmp_path, RECIPE | {"steps": 10_000})
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not (tmp_path / "state" / "state.pt").exists():
            assert first.poll() is None
            time.sleep(0.1)
        second = subprocess.run(command, capture_output=True, text=True)
        assert second.returncode == 2
        assert "another run" in second.stderr
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
