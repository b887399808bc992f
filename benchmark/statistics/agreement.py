"""How far metrics agree: rank correlations with intervals, and conclusions that one metric draws and another reverses.

Two questions have two coefficients. Spearman's rho, over all SR images of a test set: do two metrics call the same
images good? Kendall's tau, over the methods of each image, averaged over images: do they prefer the same method? Images
that are easy for all methods raise the first and leave the second alone. Values are oriented so that higher is better,
so 1 always means agreement. A coefficient is the mean over test sets, and its 95 % interval comes from a bootstrap that
draws the images of each test set anew, with all methods of an image together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from benchmark.evaluation import results
from benchmark.statistics.bootstrap import SEED, Array, interval
from benchmark.statistics.pairwise import per_image
from benchmark.tables.inputs import Inputs
from benchmark.tables.specs import ComparisonSpec

RESAMPLES = 1000  # each draws all coefficients anew
Interval = tuple[float, float]


@dataclass(frozen=True)
class Correlation:
    """The two coefficients of a pair of metrics, each with its interval; NaN if nothing varies."""

    first: str
    second: str
    spearman: float
    spearman_interval: Interval
    kendall: float
    kendall_interval: Interval


@dataclass(frozen=True)
class Conclusion:
    """What each metric says of two methods on a test set: metrics by the method that is significantly better."""

    test_set: str
    first: str
    second: str
    for_first: tuple[str, ...]
    for_second: tuple[str, ...]
    undecided: tuple[str, ...]

    @property
    def flips(self) -> bool:
        """Whether two metrics draw opposite conclusions."""
        return bool(self.for_first and self.for_second)


def image_metrics(inputs: Inputs[ComparisonSpec]) -> list[str]:
    """Return the metrics of images that any method has values of."""
    measured = set(inputs.frame.loc[inputs.frame["value"].notna(), "metric"])
    return [name for name in inputs.spec.metrics if inputs.metrics[name].level == "image" and name in measured]


def oriented_values(inputs: Inputs[ComparisonSpec], metrics: Sequence[str]) -> dict[str, tuple[list[str], Array]]:
    """Return, by test set, the methods with values and their values (images, methods, metrics), higher is better.

    NaN stands for a metric that was not measured for all of these methods.
    """
    collected = {}
    for test_set in inputs.spec.test_sets:
        of_methods = {method: results.of(inputs.frame, method, test_set) for method in inputs.spec.methods}
        methods = [method for method, rows in of_methods.items() if results.has_values(rows)]
        images = max((len(results.images(of_methods[method])) for method in methods), default=0)
        values = np.full((images, len(methods), len(metrics)), np.nan)
        for index, name in enumerate(metrics):
            of_metric = per_image(inputs.frame, methods, test_set, name)
            if of_metric.shape[1] == images:
                values[:, :, index] = of_metric.T * inputs.metrics[name].sign
        if images and methods:
            collected[test_set] = methods, values
    return collected


def spearman(values: Array) -> Array:
    """Compute Spearman's rho of each pair of metrics over all images and methods of ``values``, (metrics, metrics)."""
    ranks = rankdata(values.reshape(-1, values.shape[2]), axis=0, nan_policy="propagate")
    centered = ranks - ranks.mean(axis=0)
    products = centered.T @ centered
    scale = np.sqrt(np.diag(products))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(products / np.outer(scale, scale))


def kendall_of_images(values: Array) -> Array:
    """Compute Kendall's tau-b of each pair of metrics over the methods of each image, (images, metrics, metrics)."""
    pairs = list(itertools.combinations(range(values.shape[1]), 2))
    signs = np.sign(np.stack([values[:, first] - values[:, second] for first, second in pairs], axis=2))
    decided = np.sqrt(np.square(signs).sum(axis=2))
    with np.errstate(divide="ignore", invalid="ignore"):
        agreement = np.einsum("imp,inp->imn", signs, signs) / (decided[:, :, None] * decided[:, None, :])
    return np.asarray(agreement)


def known_mean(values: Array) -> Array:
    """Average over the first axis without NaN; NaN where nothing else is left."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=0) / known.sum(axis=0))


def correlate(metrics: Sequence[str], sets: Sequence[Array]) -> list[Correlation]:
    """Correlate each pair of ``metrics`` over the ``sets`` of values (images, methods, metrics), in their order."""
    if not sets:  # nothing was measured
        return []
    taus = [kendall_of_images(values) for values in sets if values.shape[1] > 1]
    rng = np.random.default_rng(SEED)

    def resampled(arrays: Sequence[Array], compute: Callable[[Array], Array]) -> Array:
        draws = ([rng.integers(len(array), size=len(array)) for array in arrays] for _ in range(RESAMPLES))
        return np.stack(
            [known_mean(np.stack([compute(a[d]) for a, d in zip(arrays, drawn, strict=True)])) for drawn in draws]
        )

    rho, rhos = known_mean(np.stack([spearman(values) for values in sets])), resampled(sets, spearman)
    nothing = np.full((1, len(metrics), len(metrics)), np.nan)
    tau = known_mean(np.stack([known_mean(array) for array in taus] or list(nothing)))
    all_taus = resampled(taus, known_mean) if taus else nothing

    def bounds(samples: Array) -> Interval:
        known = samples[~np.isnan(samples)]
        return interval(known) if len(known) else (np.nan, np.nan)

    return [
        Correlation(
            metrics[i],
            metrics[j],
            *(float(rho[i, j]), bounds(rhos[:, i, j])),
            *(float(tau[i, j]), bounds(all_taus[:, i, j])),
        )
        for i, j in itertools.combinations(range(len(metrics)), 2)
    ]


def conclusions(pairs: pd.DataFrame, metrics: Sequence[str]) -> list[Conclusion]:
    """Return the conclusions of ``metrics`` for each test set and pair of methods of results/pairwise.csv.

    Those that two metrics reverse come first, the most contested at the top.
    """
    found = []
    for (test_set, first, second), rows in pairs.groupby(["test_set", "method", "other"], sort=False):
        better = {row["metric"]: row["better"] for _, row in rows.iterrows() if row["metric"] in metrics}
        votes = {side: tuple(name for name in metrics if better.get(name) == side) for side in (first, second, "")}
        found.append(Conclusion(test_set, first, second, votes[first], votes[second], votes[""]))
    return sorted(found, key=lambda one: -min(len(one.for_first), len(one.for_second)))
