"""Validation: it changes nothing in a training, and its PSNR is that of the pictures it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from osediff.common.images import read_rgb
from tests.osediff.tiny import RECIPE, edit, run_training
from tests.osediff.training.outputs import log_rows, weights


@pytest.mark.slow
def test_measuring_on_the_way_changes_nothing(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    for name, every in (("often", 1), ("once", 100)):
        run_training(edit({"validate_every": every}), photos, backbone_folder, 0, tmp_path / name)
    assert all(torch.equal(weights(tmp_path / "often")[k], v) for k, v in weights(tmp_path / "once").items())
    log = log_rows(tmp_path / "often")
    assert [row["step"] for row in log] == [1, 2, 3, 4, 5, 6]
    assert all(5 < row["validation_psnr"] < 60 and row["validation_perceptual"] > 0 for row in log)
    picture = read_rgb(tmp_path / "often" / "samples" / "000006.png")
    assert picture.shape == (4 * 32, 3 * 32, 3)  # four pairs; LQ, restored, HQ


@pytest.mark.slow
def test_validation_psnr_is_that_of_the_crops(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    """The last picture holds restored and true crops in 8 bits: their PSNR is the logged one, up to rounding."""
    run_training(RECIPE, photos, backbone_folder, 0, tmp_path)
    picture = read_rgb(tmp_path / "samples" / "000006.png").astype(float)
    restored, true = (picture[:, start : start + 32].reshape(4, -1) for start in (32, 64))
    psnr = np.mean(10 * np.log10(255**2 / ((restored - true) ** 2).mean(1)))
    assert log_rows(tmp_path)[-1]["validation_psnr"] == pytest.approx(psnr, abs=0.05)
