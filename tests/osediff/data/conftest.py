"""LR/HR pairs to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osediff.common.images import write_png


@pytest.fixture
def paired_photos(tmp_path: Path) -> Path:
    """Two pairs in HR/ and LR/. The HR pixel at (y, x) has the levels (y, x, number); LR is every fourth pixel."""
    rows, columns = np.mgrid[:40, :48].astype(np.uint8)
    for number in range(2):
        hr = np.stack([rows, columns, np.full_like(rows, number)], axis=-1)
        write_png(tmp_path / "pairs" / "HR" / "street" / f"photo{number}.png", hr)
        write_png(tmp_path / "pairs" / "LR" / "street" / f"photo{number}.png", hr[::4, ::4])
    return tmp_path / "pairs"
