"""Friedman's test against scipy, Nemenyi's critical difference against its published table, and groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import friedmanchisquare, rankdata

from benchmark.statistics.critical_difference import friedman_p, nemenyi, rank


def test_friedman_is_that_of_scipy_with_ties_too() -> None:
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=(12, 4)), rng.integers(0, 3, (15, 5)).astype(float)):
        expected = friedmanchisquare(*values.T).pvalue
        assert friedman_p(rankdata(values, axis=1)) == pytest.approx(expected)
    assert friedman_p(np.full((6, 3), 2.0)) == 1


@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_has_the_published_quantiles(methods: int, q: float) -> None:
    """Table 5(a) of Demsar (2006)."""
    expected = q * np.sqrt(methods * (methods + 1) / (6 * 30))
    assert nemenyi(methods, 30) == pytest.approx(expected, abs=1e-3)


def test_methods_that_differ_little_share_a_line() -> None:
    """a and b take turns, as do c and d, and the first two always beat the others."""
    rng = np.random.default_rng(2)
    pairs = rng.permuted(np.tile([0.0, 1.0], (30, 1)), axis=1), rng.permuted(np.tile([8.0, 9.0], (30, 1)), axis=1)
    ranking = rank("psnr", ["c", "d", "a", "b"], np.concatenate(pairs, axis=1))
    assert set(ranking.methods[:2]) == {"a", "b"} and ranking.p < 1e-6 and ranking.images == 30
    assert ranking.groups == ((0, 1), (2, 3))
    assert sum(ranking.ranks) == pytest.approx(10)


def test_without_a_difference_all_methods_share_a_line() -> None:
    values = np.random.default_rng(0).normal(size=(20, 3))
    ranking = rank("psnr", ["a", "b", "c"], values)
    assert ranking.p > 0.05 and ranking.groups == ((0, 2),)
