"""Interpolation against what its definition and an independent implementation say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from baselines.interpolation import KERNELS, upsample
from osediff.common.files import read_json
from osediff.common.images import read_rgb, write_png

LR = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)


def keys_cubic(x: np.ndarray, a: float = -0.5) -> np.ndarray:
    """The cubic convolution kernel of Keys (1981)."""
    x = np.abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def by_definition(line: np.ndarray, scale_factor: int) -> np.ndarray:
    """``line`` (N, ...) upsampled by Keys' kernel, weights normalized at the ends, rounded and clipped to 8 bits."""
    centers = (np.arange(len(line) * scale_factor) + 0.5) / scale_factor - 0.5
    weights = keys_cubic(centers[:, None] - np.arange(len(line)))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(np.tensordot(weights, line.astype(float), axes=1).round(), 0, 255)


def test_bicubic_is_keys_kernel_with_a_half() -> None:
    across = by_definition(LR.swapaxes(0, 1), 4).swapaxes(0, 1)  # Pillow goes along rows first, and rounds between
    expected = by_definition(across, 4)
    assert np.abs(upsample(LR, "bicubic", 4) - expected).max() <= 1


def test_nearest_repeats_and_bilinear_is_opencvs() -> None:
    assert np.array_equal(upsample(LR, "nearest", 4), LR.repeat(4, 0).repeat(4, 1))
    theirs = cv2.resize(LR, (36, 48), interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(upsample(LR, "bilinear", 4) - theirs).max() <= 1


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_a_flat_image_stays_flat(kernel: str) -> None:
    assert np.array_equal(upsample(np.full((5, 7, 3), 77, np.uint8), kernel, 4), np.full((20, 28, 3), 77))


def run(*options: str | Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "baselines.interpolation", *map(str, options)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_the_command_restores_a_folder_and_writes_its_record(tmp_path: Path) -> None:
    write_png(tmp_path / "LR" / "a.png", LR)
    record = tmp_path / "run.json"
    ended = run("--input", tmp_path / "LR", "--output", tmp_path / "SR", "--kernel", "bicubic", "--record", record)
    assert ended.returncode == 0, ended.stderr
    assert np.array_equal(read_rgb(tmp_path / "SR" / "a.png"), upsample(LR, "bicubic", 4))
    assert read_json(record)["kernel"] == "bicubic" and list(read_json(record)["images"]) == ["a"]


def test_the_command_ends_with_one_line_for_bad_input(tmp_path: Path) -> None:
    ended = run("--input", tmp_path / "LR", "--output", tmp_path / "SR")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ") and ended.stderr.count("\n") == 1
