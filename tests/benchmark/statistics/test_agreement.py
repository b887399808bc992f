"""Agreement of metrics: coefficients against scipy, their intervals, and conclusions that flip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, spearmanr

from benchmark.evaluation import results
from benchmark.statistics.agreement import (
    conclusions,
    correlate,
    image_metrics,
    kendall_of_images,
    oriented_values,
    spearman,
)
from benchmark.tables.specs import ComparisonSpec
from tests.benchmark.rows import METRICS, inputs_of

SPEC: dict[str, Any] = {
    "preset": "demo",
    "metrics": ["psnr", "lpips", "fid"],
    "methods": {name: {"title": name.upper(), "steps": 1} for name in "abc"},
    "test_sets": {"t": {"title": "Set"}},
}


def drawn(images: int, methods: int, seed: int = 0) -> np.ndarray:
    """Two metrics that share a part, and a third of few levels, so with ties: (images, methods, 3)."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(images, methods))
    noisy = shared + rng.normal(size=(images, methods))
    return np.stack([shared, noisy, rng.integers(0, 3, (images, methods))], axis=2)


def test_the_coefficients_are_those_of_scipy() -> None:
    values = drawn(20, 5)
    rho = spearman(values)
    assert rho[0, 1] == pytest.approx(spearmanr(values[:, :, 0].ravel(), values[:, :, 1].ravel()).statistic)
    assert rho[1, 2] == pytest.approx(spearmanr(values[:, :, 1].ravel(), values[:, :, 2].ravel()).statistic)
    taus = kendall_of_images(values)
    for image, pair in ((0, (0, 1)), (7, (1, 2)), (19, (0, 2))):
        expected = kendalltau(values[image, :, pair[0]], values[image, :, pair[1]]).statistic
        assert taus[image][pair] == pytest.approx(expected)


def test_easy_images_make_images_alike_and_methods_not() -> None:
    """Both metrics follow the image; of the methods, one metric prefers the first, the other the last."""
    rng = np.random.default_rng(1)
    image, method = rng.normal(0, 9, (40, 1)), np.arange(3)
    values = np.stack([image - method, image + method], axis=2)
    (one,) = correlate(["x", "y"], [values])
    assert one.spearman > 0.9 and one.spearman_interval[0] > 0.8
    assert one.kendall == one.kendall_interval[0] == one.kendall_interval[1] == pytest.approx(-1)


def test_intervals_contain_what_the_images_were_drawn_from() -> None:
    """Of 20 samples of two metrics with a known correlation, 95 % of the intervals should contain it."""
    truth = spearman(drawn(4000, 3))[0, 1]
    inside = 0
    for seed in range(1, 21):
        one = correlate(["x", "y"], [drawn(25, 3, seed)[:, :, :2]])[0]
        inside += one.spearman_interval[0] <= truth <= one.spearman_interval[1]
    assert inside >= 16


def test_sets_count_alike_and_a_metric_may_be_absent_in_one() -> None:
    first, second = drawn(30, 3), drawn(8, 3, seed=4)
    lacking = second.copy()
    lacking[:, :, 1] = np.nan
    both, part = correlate(["x", "y", "z"], [first, second]), correlate(["x", "y", "z"], [first, lacking])
    assert both[0].spearman == pytest.approx((spearman(first)[0, 1] + spearman(second)[0, 1]) / 2)
    assert part[0].spearman == pytest.approx(spearman(first)[0, 1])
    (alone,) = correlate(["x", "y"], [drawn(8, 1)[:, :, :2]])
    assert np.isnan(alone.kendall) and not np.isnan(alone.spearman), "a single method is preferred by nobody"


def test_values_are_oriented_and_metrics_of_whole_sets_left_out(rows: list[Path]) -> None:
    inputs = inputs_of(SPEC, ComparisonSpec, results.load(rows, METRICS))
    assert image_metrics(inputs) == ["psnr", "lpips"]
    ((methods, values),) = oriented_values(inputs, ["psnr", "lpips"]).values()
    assert methods == ["a", "b", "c"] and values.shape == (40, 3, 2)
    assert values[:, 0, 0] == pytest.approx(results.values(results.of(inputs.frame, "a", "t"), "psnr"))
    assert values[:, 2, 1] == pytest.approx(-results.values(results.of(inputs.frame, "c", "t"), "lpips"))


def test_reversed_conclusions_come_first() -> None:
    lines = [
        ("t", "A", "B", "psnr", "A"),
        ("t", "A", "B", "lpips", "A"),
        ("t", "A", "C", "psnr", "A"),
        ("t", "A", "C", "lpips", "C"),
        ("t", "A", "C", "fid", "C"),
        ("t", "A", "C", "niqe", ""),
    ]
    pairs = pd.DataFrame(lines, columns=["test_set", "method", "other", "metric", "better"])
    first, second = conclusions(pairs, ["psnr", "lpips", "niqe"])
    assert first.flips and (first.second, first.for_first, first.for_second) == ("C", ("psnr",), ("lpips",))
    assert first.undecided == ("niqe",), "fid is no metric of images"
    assert not second.flips and second.for_first == ("psnr", "lpips")
