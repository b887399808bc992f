"""Images for a comparison picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osediff.common.images import write_png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """LR 32x32, HR and two SR images 128x128, of one image called a."""
    rng = np.random.default_rng(3)
    lr = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    write_png(tmp_path / "lr/a.png", lr)
    for name in ("hr", "one", "two"):
        write_png(tmp_path / name / "a.png", rng.integers(0, 256, (128, 128, 3), dtype=np.uint8))
    return tmp_path
