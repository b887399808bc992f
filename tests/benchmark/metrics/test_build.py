"""The metrics as the registry builds them: the official log of every image, and what is said of one that is absent."""

from __future__ import annotations

import socket
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.metrics.build import build_pair_metric, metric_note, unavailable_reason
from benchmark.metrics.registry import MetricRegistry
from osediff.common import pyiqa_networks
from osediff.common.images import read_rgb
from tests.benchmark.fixture_types import Measured, OfficialLog


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "of_image", "average", "of_average", "printed"),
    [
        ("psnr", 1e-5, 27.92428, 1e-5, "27.92"),
        ("ssim", 1e-5, 0.783465, 1e-5, "0.7835"),
        ("lpips", 5e-4, 0.2968, 5e-5, "0.2968"),
        ("niqe", 0.005, 6.4902, 5e-5, "6.4902"),
    ],
)
def test_every_image_equals_the_official_log(
    metric_registry: MetricRegistry,
    official_log: OfficialLog,
    measured: Measured,
    name: str,
    of_image: float,
    average: float,
    of_average: float,
    printed: str,
) -> None:
    ours, theirs = measured.of(name, official_log), np.array([row[name] for row in official_log.values()])
    assert np.abs(ours - theirs).max() < of_image
    assert abs(ours.mean() - average) < of_average
    assert f"{ours.mean():.{metric_registry.metrics[name].decimals}f}" == printed, (
        "the published row, to its last digit"
    )


@pytest.mark.slow
def test_dists_equals_the_official_log_on_every_sixteenth_image(
    metric_registry: MetricRegistry, drealsr: Path, official_log: OfficialLog
) -> None:
    if reason := unavailable_reason("dists", metric_registry):
        pytest.skip(reason)
    score, images = build_pair_metric("dists", metric_registry.select(["dists"])), list(official_log)[::16]
    folders = drealsr / "osediff_official", drealsr / "HR"
    ours = [score(*(read_rgb(folder / f"{image}.png") for folder in folders)) for image in images]
    assert ours == pytest.approx([official_log[image]["dists"] for image in images], abs=3e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "average"), [("yiq", 27.9243 - 1.3219), ("crop4", 28.0174)])
def test_protocol_variants_differ_as_known(
    metric_registry: MetricRegistry, drealsr: Path, official_log: OfficialLog, protocol: str, average: float
) -> None:
    """The two habits that most often make a PSNR disagree, as measured by others on these images."""
    score = build_pair_metric("psnr", metric_registry.under(protocol, "").select(["psnr"]))
    folders = drealsr / "osediff_official", drealsr / "HR"
    ours = [score(*(read_rgb(folder / f"{image}.png") for folder in folders)) for image in official_log]
    assert abs(np.mean(ours) - average) < 1e-4


def test_absent_weights_are_named_without_network(
    metric_registry: MetricRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("an absent metric used the network"))
    reasons = {name: unavailable_reason(name, metric_registry) for name in metric_registry.metrics}
    assert [name for name, reason in reasons.items() if not reason] == ["psnr", "ssim", "niqe", "color-shift", "seams"]
    command = "python -m osediff.common.artifacts fetch metric-weights --only"
    assert reasons["lpips"] == f"needs lpips-alex.safetensors: {command} lpips-alex"
    assert reasons["dists"] == (
        f"needs lpips-vgg.safetensors and DISTS_weights-f5e65c96.pth: {command} lpips-vgg dists"
    )
    assert reasons["qalign"].startswith("pyiqa would load its 16 GB of weights with trust_remote_code=True")
    assert str(tmp_path) not in str(reasons), "the reason stands in tables, which must not depend on the machine"


def test_another_version_of_the_library_is_noted(
    metric_registry: MetricRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"pyiqa": "0.1.10"}[name])
    assert metric_note("musiq", metric_registry) == "measured with pyiqa 0.1.10, not 0.1.16"
    assert metric_note("psnr", metric_registry) == ""


def test_evaluation_cannot_download(tmp_path: Path) -> None:
    with pyiqa_networks.offline(), pytest.raises(urllib.error.URLError, match="wants to download"):
        torch.hub.download_url_to_file("https://download.pytorch.org/models/x.pth", str(tmp_path / "x.pth"))
