"""Data that tests of the measuring side share."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from benchmark import metrics

ROOT = Path(__file__).parents[2]
LOG_LINE = re.compile(r"results_osediff/(\S+)\.png \| (.*?) \| Runtime")


@pytest.fixture(scope="session")
def registry() -> metrics.Registry:
    return metrics.load(ROOT / "config/metrics.yaml")


@pytest.fixture(scope="session")
def drealsr() -> Path:
    """The 93 DrealSR pairs, the authors' outputs and the authors' log."""
    folder = Path(os.environ.get("BENCHMARK_TEST_DATA") or "/nonexistent") / "drealsr"
    if not folder.is_dir():
        pytest.skip("BENCHMARK_TEST_DATA with drealsr/ is not set")
    return folder


@pytest.fixture(scope="session")
def authors_log(drealsr: Path) -> dict[str, dict[str, float]]:
    """The authors' values: image -> metric -> value."""
    text = (drealsr / "osediff_official_metrics.log").read_text()
    values = {}
    for image, row in LOG_LINE.findall(text):
        pairs = (part.split(":") for part in row.split(";"))
        values[image] = {name.strip().lower(): float(value) for name, value in pairs}
    assert len(values) == 93
    return values


@pytest.fixture
def photos() -> tuple[np.ndarray, np.ndarray]:
    """An image with structure and a noisy copy of it, uint8 (256, 256, 3)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256] / 256
    hr = np.stack([np.sin(9 * x + 4 * y), np.cos(13 * y * x), np.sin(31 * (x - y))], axis=-1) * 100 + 128
    hr = hr + rng.normal(0, 12, hr.shape)
    sr = hr + rng.normal(0, 9, hr.shape)
    return tuple(np.clip(image, 0, 255).round().astype(np.uint8) for image in (sr, hr))
