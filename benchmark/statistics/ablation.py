"""Tests of an ablation's variants against the default variant, paired on images and seeds.

With the same seed, every variant is trained on the same crops, degradations, noise and timesteps as the default. A
variant is better or worse if two tests agree at 5 %, after Holm's correction over all comparisons of the table: a
bootstrap that draws seeds and images anew, and Wilcoxon's signed-rank test over images, with seeds averaged. With one
seed there is no verdict, since another training could differ by as much.
"""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.statistics.bootstrap import LEVEL, RESAMPLES, Array, bootstrap_p, crossed_means, holm, wilcoxon_p
from benchmark.tables.specs import AblationSpec
from benchmark.tables.table import Verdict
from osediff.common.errors import InputError

LEGEND = (
    "▲ better, ▼ worse than the default variant, no mark: not significant. Paired on images and seeds: a bootstrap "
    f"over both ({RESAMPLES} resamples) and Wilcoxon over images must agree at {LEVEL:.0%},"
    " after Holm's correction over the table."
)
ONE_SEED = (
    "One seed: how much a second training would differ is unknown, "
    "so no variant is called better or worse than the default."
)


@dataclass
class Measurement:
    """One metric of one variant: mean and standard deviation over seeds (NaN: none), p-value and verdict."""

    mean: float = math.nan
    spread: float = math.nan
    p: float = math.nan
    verdict: Verdict = ""


@dataclass
class VariantRow:
    """A variant: its number of runs, the reasons why some did not converge, and a measurement of each metric."""

    runs: int
    failures: list[str] = field(default_factory=list)
    measurements: dict[str, Measurement] = field(default_factory=dict)

    @property
    def converged(self) -> int:
        """Number of runs that have values."""
        return self.runs - len(self.failures)


Runs = dict[tuple[str, int], pd.DataFrame]  # rows of the runs that converged, by variant and index of the seed


def measure(spec: AblationSpec, metrics: Metrics, frame: pd.DataFrame) -> dict[str, VariantRow]:
    """Summarize and test every variant of ``spec``; InputError: a run was not evaluated, or on other images."""
    rows: dict[str, VariantRow] = {}
    runs: Runs = {}
    for variant, entry in spec.rows.items():
        row = rows[variant] = VariantRow(len(entry.runs))
        for seed, method in enumerate(entry.runs):
            of_run = results.of(frame, method, spec.test_set)
            if results.has_values(of_run):
                runs[variant, seed] = of_run
            else:
                row.failures.append(results.first_note(of_run) or "no values")
        for name in spec.metrics:
            of_metric = [results.values(runs[key], name) for key in runs if key[0] == variant]
            means = [results.mean(values) for values in of_metric if len(values)]
            spread = statistics.stdev(means) if len(means) > 1 else math.nan
            row.measurements[name] = Measurement(results.mean(means), spread)
    judge(spec, metrics, rows, runs)
    return rows


def judge(spec: AblationSpec, metrics: Metrics, rows: dict[str, VariantRow], runs: Runs) -> None:
    """Fill in p-value and verdict of the metrics that can be tested: with at least two images and two seeds."""
    tested = []
    for variant, name in itertools.product(rows, spec.metrics):
        if variant == spec.default or metrics[name].level != "image":
            continue
        differences = paired(spec, variant, name, runs)
        if len(differences) > 1 and differences.shape[1] > 1:
            tested.append((variant, name, differences))
    by_bootstrap = holm([bootstrap_p(crossed_means(differences)) for _, _, differences in tested])
    by_wilcoxon = holm([wilcoxon_p(differences.mean(axis=0)) for _, _, differences in tested])
    for (variant, name, differences), *p_values in zip(tested, by_bootstrap, by_wilcoxon, strict=True):
        measurement = rows[variant].measurements[name]
        measurement.p = max(p_values)
        if measurement.p < LEVEL:
            gains = (differences.mean() > 0) == metrics[name].higher_is_better
            measurement.verdict = "better" if gains else "worse"


def paired(spec: AblationSpec, variant: str, name: str, runs: Runs) -> Array:
    """Return differences (seeds, images) of a variant from the default; InputError if their images differ."""
    differences = []
    for seed, method in enumerate(spec.rows[variant].runs):
        if (variant, seed) not in runs or (spec.default, seed) not in runs:
            continue
        values, default = (results.values(runs[key, seed], name) for key in (variant, spec.default))
        if list(values.index) != list(default.index):
            raise InputError(f"{method} was measured on other images than the default variant; measure it again")
        differences.append((values - default).to_numpy(dtype=np.float64))
    return np.array(differences, dtype=np.float64) if differences else np.empty((0, 0))
