"""Measured rows of methods that differ by known amounts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.benchmark.rows import write_rows


@pytest.fixture
def rows(tmp_path: Path) -> list[Path]:
    """40 images whose difficulty varies far more than the methods do: b is 0.3 dB above a, c is a with noise."""
    rng = np.random.default_rng(0)
    psnr, lpips = rng.normal(27, 4, 40), rng.normal(0.3, 0.05, 40)
    shifts = {"a": 0 * psnr, "b": 0.3 + rng.normal(0, 0.2, 40), "c": rng.normal(0, 0.2, 40)}
    files = []
    for name, shift in shifts.items():
        values = {"psnr": list(psnr + shift), "lpips": list(lpips + shift / 10), "fid": [12.5]}
        files.append(write_rows(tmp_path / f"{name}.csv", name, "t", values))
    return files
