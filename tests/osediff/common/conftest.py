"""LR images that the tests of this folder restore."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osediff.common.images import write_png


@pytest.fixture
def lr(tmp_path: Path) -> Path:
    """Three LR images, a to c, of different sizes."""
    rng = np.random.default_rng(0)
    for stem, size in (("a", (4, 6)), ("b", (5, 5)), ("c", (3, 4))):
        write_png(tmp_path / "LR" / f"{stem}.png", rng.integers(0, 256, (*size, 3), np.uint8))
    return tmp_path / "LR"
