"""Compare many methods over many images by their ranks: Friedman's test and Nemenyi's critical difference.

On each image, the methods are ranked by one metric, 1 for the best; equal values share their ranks. Friedman's test
asks whether the mean ranks differ at all. Two methods differ at 5 % if their mean ranks differ by more than
q sqrt(k (k + 1) / (6 n)), with k methods, n images and q of the studentized range (Demsar, 2006, section 3.2.2). Ranks
need no scale, so images of all test sets count alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import chi2, rankdata, studentized_range

from benchmark.statistics.bootstrap import LEVEL, Array


@dataclass(frozen=True)
class Ranking:
    """Methods by mean rank over the images of one metric, best first.

    ``groups`` are the largest runs of methods, as first and last index, in which no two methods differ at 5 %. They are
    all methods if Friedman's test finds no difference.
    """

    metric: str
    methods: tuple[str, ...]
    ranks: tuple[float, ...]
    images: int
    p: float
    critical_difference: float
    groups: tuple[tuple[int, int], ...]


def friedman_p(ranks: Array) -> float:
    """Compute the p-value of Friedman's test from ``ranks`` (images, methods), corrected for ties; 1 if all are tied.

    ``scipy.stats.friedmanchisquare`` does the same for three methods and more.
    """
    images, methods = ranks.shape
    squares = np.square(ranks - (methods + 1) / 2).sum()
    if squares == 0:
        return 1.0
    between = np.square(ranks.sum(axis=0) - images * (methods + 1) / 2).sum()
    return float(chi2.sf((methods - 1) * between / squares, methods - 1))


def nemenyi(methods: int, images: int) -> float:
    """Compute the critical difference of mean ranks at 5 %."""
    return float(quantile(methods) * np.sqrt(methods * (methods + 1) / (6 * images)))


@cache
def quantile(methods: int) -> float:
    """Return the 95 % quantile of the studentized range of this many methods, divided by the root of two."""
    return float(studentized_range.ppf(1 - LEVEL, methods, np.inf) / np.sqrt(2))


def rank(metric: str, methods: Sequence[str], values: Array) -> Ranking:
    """Rank ``methods`` by their ``values`` (images, methods), of which higher is better."""
    ranks = rankdata(-values, axis=1)
    means = ranks.mean(axis=0)
    order = np.argsort(means, kind="stable")
    ordered = means[order]
    p, difference = friedman_p(ranks), nemenyi(len(methods), len(values))
    last = [int(np.flatnonzero(ordered - start <= difference)[-1]) for start in ordered]
    if p >= LEVEL:
        last = [len(methods) - 1] * len(methods)
    groups = tuple((i, end) for i, end in enumerate(last) if end > i and (i == 0 or last[i - 1] < end))
    return Ranking(
        metric, tuple(methods[i] for i in order), tuple(map(float, ordered)), len(values), p, difference, groups
    )
