"""Algorithm 1: it learns, and gradient checkpointing changes nothing but memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from osediff.recipe import Compute
from tests.osediff.tiny import edit, run_training
from tests.osediff.training.outputs import log_rows, weights


@pytest.mark.slow
def test_gradient_checkpointing_changes_memory_and_nothing_else(
    photos: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    recipe = edit({"lora_targets": {"vae_decoder": True}, "steps": 3})
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "plain")
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "less", Compute(gradient_checkpointing=True))
    one, other = weights(tmp_path / "plain"), weights(tmp_path / "less")
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


@pytest.mark.slow
def test_the_loss_falls(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    change = {"steps": 60, "learning_rate": 5e-3, "batch": 4, "checkpoint_every": 100}
    recipe = edit(change | {"loss": {"regularizer": {"kind": "none"}}})
    run_training(recipe, photos, backbone_folder, 0, tmp_path)
    log = log_rows(tmp_path)
    total = [row["mse"] + 2 * row["perceptual"] for row in log]
    assert sum(total[-3:]) < 0.8 * sum(total[:3])
