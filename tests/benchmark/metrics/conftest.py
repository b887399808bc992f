"""Weights and images that the tests of metrics share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
import yaml

from benchmark.metrics.registry import MetricRegistry
from benchmark.metrics.weights import WeightsFile, file_name
from osediff.common.images import write_png
from tests.benchmark.fixture_types import ImagePair, ImageSets, WriteWeights
from tests.helpers import ROOT


@pytest.fixture
def registry_content() -> dict[str, Any]:
    """The registry file as plain YAML, to be changed by a test."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "config/metrics.yaml").read_text())
    return loaded


@pytest.fixture
def empty_weight_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two empty folders in place of this machine's weights: torch/ and suite/."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path / "suite"))
    (tmp_path / "suite").mkdir()


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Inception network's weights file, of random values."""
    inception_pytorch = pytest.importorskip("cleanfid.inception_pytorch")
    path = tmp_path_factory.mktemp("inception") / "pt_inception.pth"
    rng = torch.Generator().manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inception_pytorch, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(torch.nn.Module, "load_state_dict", lambda *_, **__: None)
        network = inception_pytorch.fid_inception_v3()
    for value in network.parameters():
        if value.ndim > 1:
            value.data = torch.randn(value.shape, generator=rng) * (2 / value[0].numel()) ** 0.5
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def sets(photos: ImagePair, tmp_path: Path) -> ImageSets:
    """Three SR and three HR images, of two sizes."""
    for folder, image in zip(("sr", "hr"), photos, strict=True):
        for index in range(3):
            write_png(tmp_path / folder / f"{index}.png", np.roll(image, 40 * index, axis=0)[: 256 - 64 * (index % 2)])
    return sorted((tmp_path / "sr").iterdir()), sorted((tmp_path / "hr").iterdir())


@pytest.fixture
def write_weights(metric_registry: MetricRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteWeights:
    """Write an object as a file of the registry's weights, as pyiqa's own files are, and let the suite find it."""
    pytest.importorskip("pyiqa")
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(WeightsFile, "official", True)
    torch.manual_seed(0)

    def write(key: str, content: Any) -> Path:
        path = tmp_path / file_name(metric_registry.weights[key])
        if path.suffix == ".mat":
            scipy.io.savemat(path, content)
        else:
            torch.save(content, path)
        return path

    return write
