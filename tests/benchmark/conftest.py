"""Data that tests of the measuring side share."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmark.evaluation import evaluate
from benchmark.metrics import build as metrics
from tests.helpers import ROOT

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


@dataclass(frozen=True)
class Measured:
    """The authors' images as benchmark.evaluation.evaluate measures them."""

    rows: list[tuple[str, str, float]]
    notes: dict[str, str]

    def of(self, name: str, images: Iterable[str]) -> np.ndarray:
        """Values of one metric, in the order of ``images``; skips the test where it could not be measured."""
        found = {image: value for image, metric, value in self.rows if metric == name}
        if not found:
            pytest.skip(self.notes[name])
        return np.array([found[image] for image in images])


@pytest.fixture(scope="session")
def measured(registry: metrics.Registry, drealsr: Path, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Measured once for all tests, by the command's own function."""
    partial = tmp_path_factory.mktemp("measured") / "partial"
    folders = drealsr / "osediff_official", drealsr / "HR"
    return Measured(*evaluate.evaluate(*folders, ["psnr", "ssim", "lpips", "niqe"], registry, partial))


@pytest.fixture
def photos() -> tuple[np.ndarray, np.ndarray]:
    """An image with structure and a noisy copy of it, uint8 (256, 256, 3)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256] / 256
    hr = np.stack([np.sin(9 * x + 4 * y), np.cos(13 * y * x), np.sin(31 * (x - y))], axis=-1) * 100 + 128
    hr = hr + rng.normal(0, 12, hr.shape)
    sr = hr + rng.normal(0, 9, hr.shape)
    return tuple(np.clip(image, 0, 255).round().astype(np.uint8) for image in (sr, hr))
