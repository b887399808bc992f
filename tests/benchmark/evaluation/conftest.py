"""Images that the tests of evaluations measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osediff.common.images import write_png
from tests.benchmark.fixture_types import Folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Three pairs of 48x48 images, a to c, in sr/ and hr/."""
    rng = np.random.default_rng(1)
    for stem in "abc":
        hr = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
        write_png(tmp_path / "hr" / f"{stem}.png", hr)
        write_png(tmp_path / "sr" / f"{stem}.png", (hr // 2 + 60).astype(np.uint8))
    return tmp_path / "sr", tmp_path / "hr"
