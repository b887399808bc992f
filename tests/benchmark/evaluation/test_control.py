"""A metric that cannot tell a good image from a bad one stops an evaluation before its values are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.evaluation import pairs as pairs_module
from benchmark.evaluation.control import check_metrics
from benchmark.evaluation.runner import Resources, evaluate
from benchmark.metrics.build import build_pair_metric
from benchmark.metrics.registry import MetricRegistry
from osediff.common.errors import InputError
from osediff.common.images import write_png
from tests.benchmark.fixture_types import Folders


def test_a_metric_that_does_not_know_an_image_from_itself_stops_it(
    folders: Folders, tmp_path: Path, metric_registry: MetricRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    good = build_pair_metric("psnr", metric_registry.select(["psnr"]))

    def counted(sr: np.ndarray, hr: np.ndarray) -> float:
        calls.append(sr is hr)
        return good(sr, hr)

    monkeypatch.setattr(pairs_module, "build_pair_metric", lambda *_: counted)
    evaluate(*folders, metric_registry.select(["psnr"]), tmp_path / "partial", Resources(workers=1))
    assert calls == [True, False, False, False, False], "two controls, then the three images"
    monkeypatch.setattr(pairs_module, "build_pair_metric", lambda *_: lambda sr, hr: 31.5)
    with pytest.raises(InputError, match=r"ssim of .*hr/a\.png against itself is 31\.5.*, not 1"):
        evaluate(*folders, metric_registry.select(["ssim"]), tmp_path / "partial", Resources(workers=1))


def test_a_metric_that_takes_a_bad_image_for_a_good_one_stops_it(
    folders: Folders, tmp_path: Path, metric_registry: MetricRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that are all zero would give every pair a perfect LPIPS."""
    monkeypatch.setattr(pairs_module, "build_pair_metric", lambda *_: lambda sr, hr: 1.0)
    with pytest.raises(InputError, match=r"ssim takes .*hr/a\.png, reduced and upsampled again, for as good as itself"):
        evaluate(*folders, metric_registry.select(["ssim"]), tmp_path / "partial", Resources(workers=1))
    for path in folders[1].iterdir():  # of flat images nothing can be asked
        write_png(path, np.full((48, 48, 3), 90, np.uint8))
    evaluate(*folders, metric_registry.select(["ssim"]), tmp_path / "partial", Resources(workers=1))


def test_a_metric_without_reference_may_find_nothing_in_both_images_and_nothing_else(
    folders: Folders, metric_registry: MetricRegistry
) -> None:
    images = sorted(folders[1].iterdir())
    metrics = metric_registry.select(["niqe"]).metrics
    with pytest.raises(InputError, match=r"niqe takes .*hr/a\.png, reduced and upsampled again, for as good as itself"):
        check_metrics(images, metrics, {"niqe": lambda sr, hr: 5.0})
    check_metrics(images, metrics, {"niqe": lambda sr, hr: 0.0})
