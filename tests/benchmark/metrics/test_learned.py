"""pyiqa's networks, with random weights: that we call them as they want to be called."""

from __future__ import annotations

import math

import pytest

from benchmark.metrics.build import build_pair_metric
from benchmark.metrics.learned import crop_windows
from benchmark.metrics.registry import MetricRegistry
from tests.benchmark.fixture_types import ImagePair


@pytest.mark.slow
def test_random_crops_follow_the_image_and_nothing_else(
    metric_registry: MetricRegistry, random_weights: None, photos: ImagePair
) -> None:
    windows = crop_windows(photos[0], 20, 224)
    assert windows == crop_windows(photos[0].copy(), 20, 224) != crop_windows(photos[1], 20, 224)
    assert all(
        top >= 0 and bottom <= 256 and bottom - top == right - left == 224 for top, bottom, left, right in windows
    )
    selection = metric_registry.under("osediff-random-crops", "").select(["maniqa"])
    two_crops = selection.metrics["maniqa"].model_copy(update={"random_crops": 2})  # of twenty, for its time
    score = build_pair_metric("maniqa", selection.model_copy(update={"metrics": {"maniqa": two_crops}}))
    value = score(*photos)
    assert math.isfinite(value) and score(*photos) == value


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lpips", "dists", "musiq", "clipiqa"])  # and maniqa above, for its time
def test_learned_metrics_of_images_run(
    metric_registry: MetricRegistry, random_weights: None, photos: ImagePair, name: str
) -> None:
    score = build_pair_metric(name, metric_registry.select([name]))
    sr, hr = photos
    value = score(sr, hr)
    assert isinstance(value, float) and math.isfinite(value)
    assert score(sr, hr) == value
    if name in ("lpips", "dists"):  # the reference counts, and equal images have no distance
        assert value > 0
        assert score(hr, hr) == pytest.approx(0, abs=1e-5)
    else:
        assert score(sr, sr) == value
