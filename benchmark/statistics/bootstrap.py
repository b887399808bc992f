"""Resampling: intervals of averages and p-values, and their correction for the number of tests.

Draws are seeded with ``SEED`` and made in a fixed order, so that the same values give the same digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

Array = NDArray[np.float64]
RESAMPLES = 10_000
SEED = 0  # resampling is part of the result, so it does not follow the configuration's seed
LEVEL = 0.05


def resampled_means(values: Array, resamples: int = RESAMPLES, seed: int = SEED) -> Array:
    """Draw images with replacement, the same for all methods, and average.

    Args:
        values: (methods, images).
        resamples: number of draws.
        seed: of the draws.

    Returns:
        Means (resamples, methods).
    """
    rng, images = np.random.default_rng(seed), values.shape[1]
    means = np.empty((resamples, len(values)))
    step = max(1, 2_000_000 // images)  # some megabytes at a time
    for start in range(0, resamples, step):
        drawn = rng.integers(images, size=(min(step, resamples - start), images))
        for index, row in enumerate(values):
            means[start : start + len(drawn), index] = row[drawn].mean(axis=1)
    return means


def crossed_means(values: Array, resamples: int = RESAMPLES, seed: int = SEED) -> Array:
    """Draw seeds and images anew, each with replacement, and average ``values`` (seeds, images) to (resamples,)."""
    seeds, images = values.shape
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for index in range(resamples):
        drawn = values[rng.integers(seeds, size=seeds)][:, rng.integers(images, size=images)]
        means[index] = drawn.mean()
    return means


def interval(means: Array) -> tuple[float, float]:
    """Compute the 95 % percentile interval of resampled means."""
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)


def bootstrap_p(means: Array) -> float:
    """Compute the two-sided p-value of resampled mean differences; never 0, since the sample counts as one of them."""
    tail = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    return min(1.0, 2 * (tail + 1) / (len(means) + 1))


def wilcoxon_p(differences: Array) -> float:
    """Compute the two-sided p-value of Wilcoxon's signed-rank test; 1 where all differences are 0."""
    return float(wilcoxon(differences).pvalue) if differences.any() else 1.0


def holm(p_values: list[float]) -> list[float]:
    """Correct ``p_values`` for their number (Holm, 1979), in the order given; never above 1."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
