"""LR images that the tests of this folder restore, and a machine with GPUs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osediff.common.images import write_png
from tests.osediff.common.smi import SMI


@pytest.fixture
def lr(tmp_path: Path) -> Path:
    """Three LR images, a to c, of different sizes."""
    rng = np.random.default_rng(0)
    for stem, size in (("a", (4, 6)), ("b", (5, 5)), ("c", (3, 4))):
        write_png(tmp_path / "LR" / f"{stem}.png", rng.integers(0, 256, (*size, 3), np.uint8))
    return tmp_path / "LR"


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a whole GPU and one in two parts, and no scheduler."""
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\ncat <<'END'\n{SMI}END\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
