"""Resampling against closed forms and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap, wilcoxon

from benchmark.statistics.bootstrap import (
    bootstrap_p,
    crossed_means,
    holm,
    interval,
    resampled_means,
    wilcoxon_p,
)


def test_interval_is_the_normal_one_and_scipys() -> None:
    values = np.random.default_rng(1).normal(27, 2.5, (1, 400))
    low, high = interval(resampled_means(values)[:, 0])
    half = 1.96 * values.std(ddof=1) / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    theirs = bootstrap(values, np.mean, method="percentile", n_resamples=10_000, rng=0).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_resampling_is_paired_and_seeded() -> None:
    values = np.random.default_rng(2).normal(size=(2, 3000))
    values[1] = values[0] + 1
    means = resampled_means(values, 1500)
    assert means[:, 1] - means[:, 0] == pytest.approx(1), "both methods get the same images"
    assert (means == resampled_means(values, 1500)).all()
    assert len(np.unique(means[:, 0])) == 1500, "drawn in parts, and no part twice"


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_p_values_are_wilcoxons_and_never_certain() -> None:
    differences = np.random.default_rng(1).normal(0.2, 1, (3, 20))
    assert wilcoxon_p(differences.mean(axis=0)) == wilcoxon(differences.mean(axis=0)).pvalue
    assert 0 < bootstrap_p(crossed_means(differences)) <= 1
    assert bootstrap_p(crossed_means(np.full((2, 5), 0.1))) == pytest.approx(2 / 10_001)
    zeros = np.zeros((2, 5))
    assert (bootstrap_p(crossed_means(zeros)), wilcoxon_p(zeros.mean(axis=0))) == (1.0, 1.0)


def test_seeds_that_disagree_decide_nothing() -> None:
    # On every image one seed gains what another loses: no number of images makes that a result.
    noise = np.random.default_rng(2).normal(0, 0.01, (3, 200))
    differences = np.array([[1.0], [-0.9], [0.2]]) * np.ones((3, 200)) + noise
    assert wilcoxon_p(differences.mean(axis=0)) < 1e-6 and bootstrap_p(crossed_means(differences)) > 0.3
