"""Data that tests of the measuring side share."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from benchmark.evaluation.runner import evaluate
from benchmark.metrics.registry import MetricRegistry, read_registry
from benchmark.metrics.weights import WeightsFile, file_name
from osediff.common import pyiqa_networks
from osediff.common.files import read_json, write_json
from tests.benchmark.fixture_types import ImagePair, Measured, OfficialLog, PutWeights
from tests.helpers import ROOT, build_once

LOG_LINE = re.compile(r"results_osediff/(\S+)\.png \| (.*?) \| Runtime")


@pytest.fixture(scope="session")
def metric_registry() -> MetricRegistry:
    """The metric registry of this repository."""
    return read_registry(ROOT / "config/metrics.yaml")


@pytest.fixture
def put_weights(metric_registry: MetricRegistry) -> PutWeights:
    """Put files with the names of some of the registry's weights, of other bytes, into a folder."""

    def put(folder: Path, *keys: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for key in keys:
            (folder / file_name(metric_registry.weights[key])).write_bytes(key.encode())

    return put


@pytest.fixture
def random_weights(
    metric_registry: MetricRegistry, put_weights: PutWeights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """pyiqa's networks with random weights: what is tested is our way of calling them."""
    pytest.importorskip("pyiqa")
    import torch
    from pyiqa.archs import clip_model

    def randomize(net: torch.nn.Module, paths: object) -> None:
        if type(net).__name__ in ("LPIPS", "DISTS"):  # the others have values of the library's
            for value in net.parameters():
                torch.nn.init.uniform_(value, 0, 2 / value[0].numel())

    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path / "weights"))
    put_weights(tmp_path / "weights", *metric_registry.weights)
    monkeypatch.setattr(pyiqa_networks, "fill", randomize)
    torch.manual_seed(0)
    small = clip_model.CLIP(64, 224, (1, 1, 1, 1), 64, None, 77, 49408, 64, 1, 1)
    monkeypatch.setattr(clip_model, "load", lambda *_: small.eval())
    monkeypatch.setattr(WeightsFile, "official", True)


@pytest.fixture(scope="session")
def drealsr() -> Path:
    """The 93 DrealSR pairs, the official SR images and the official log."""
    folder = Path(os.environ.get("BENCHMARK_TEST_DATA") or "/nonexistent") / "drealsr"
    if not folder.is_dir():
        pytest.skip("BENCHMARK_TEST_DATA with drealsr/ is not set")
    return folder


@pytest.fixture(scope="session")
def official_log(drealsr: Path) -> OfficialLog:
    """The official values: image -> metric -> value."""
    text = (drealsr / "osediff_official_metrics.log").read_text()
    values = {}
    for image, row in LOG_LINE.findall(text):
        pairs = (part.split(":") for part in row.split(";"))
        values[image] = {name.strip().lower(): float(value) for name, value in pairs}
    assert len(values) == 93
    return values


@pytest.fixture(scope="session")
def measured(metric_registry: MetricRegistry, drealsr: Path, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Measured once for all test processes, by the command's own function."""

    def measure(folder: Path) -> None:
        selection = metric_registry.select(["psnr", "ssim", "lpips", "niqe"])
        evaluation = evaluate(drealsr / "osediff_official", drealsr / "HR", selection, folder / "partial")
        write_json(folder / "measured.json", {"rows": evaluation.rows, "notes": evaluation.notes})

    content = read_json(build_once(tmp_path_factory, "measured", measure) / "measured.json")
    return Measured([(image, metric, value) for image, metric, value in content["rows"]], content["notes"])


@pytest.fixture
def photos() -> ImagePair:
    """An image with structure and a noisy copy of it, uint8 (256, 256, 3)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256] / 256
    hr = np.stack([np.sin(9 * x + 4 * y), np.cos(13 * y * x), np.sin(31 * (x - y))], axis=-1) * 100 + 128
    hr = hr + rng.normal(0, 12, hr.shape)
    sr = hr + rng.normal(0, 9, hr.shape)
    return np.clip(sr, 0, 255).round().astype(np.uint8), np.clip(hr, 0, 255).round().astype(np.uint8)
