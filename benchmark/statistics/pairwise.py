"""What differences between methods are worth: intervals of averages, and pairwise tests on the same images.

    python -m benchmark.statistics.pairwise --spec FILE.yaml --rows FILE.csv ... --out results

Writes, below ``--out``: statistics.csv, one line per test set, method and metric with the mean and its 95 % bootstrap
interval (empty for a metric of the whole set, which has no spread over images); pairwise.csv, one line per test set,
metric and pair of methods; ranking.md, a matrix of the differences for each test set and metric.

Tests are paired: both methods on each image. A method is called better when the paired bootstrap and Wilcoxon's
signed-rank test both say so at 5 %, after Holm's correction over all pairs of methods of a test set and metric.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.metrics.registry import Metric
from benchmark.statistics.bootstrap import (
    LEVEL,
    RESAMPLES,
    Array,
    bootstrap_p,
    holm,
    interval,
    resampled_means,
    wilcoxon_p,
)
from benchmark.tables.render import csv_text, markdown
from benchmark.tables.specs import PRESETS, ComparisonSpec
from benchmark.tables.table import Cell, Column, Row, Table, texts
from osediff.common import settings
from osediff.common.errors import run
from osediff.common.files import write_text

MEANS = ("preset", "test_set", "method", "metric", "images", "mean", "low", "high", "protocol", "note")
PAIRS = (
    *("preset", "test_set", "metric", "method", "other", "images", "difference", "low", "high"),
    *("p_bootstrap", "p_wilcoxon", "better"),
)
LEGEND = (
    "Row against column, with the mean difference: ✓ better, ✗ worse, ≈ cannot be told. Paired on the "
    f"same images: bootstrap ({RESAMPLES} resamples) and Wilcoxon must agree at {LEVEL:.0%}, corrected by Holm over "
    "the pairs of each matrix."
)


@dataclass(frozen=True)
class Pair:
    """Two methods on the same images: mean difference first minus second, its interval, p-values corrected by Holm."""

    first: int
    second: int
    difference: float
    low: float
    high: float
    p_bootstrap: float
    p_wilcoxon: float

    def better(self, higher_is_better: bool) -> int | None:
        """Return the index of the better method; None when that cannot be told."""
        if max(self.p_bootstrap, self.p_wilcoxon) >= LEVEL or self.difference == 0:
            return None
        return self.first if (self.difference > 0) == higher_is_better else self.second


def compare(values: Array, means: Array) -> list[Pair]:
    """Test every pair of methods.

    Args:
        values: (methods, images).
        means: resampled means (resamples, methods).
    """
    differences, by_bootstrap, by_wilcoxon = [], [], []
    for first, second in itertools.combinations(range(len(values)), 2):
        of_images, of_resamples = values[first] - values[second], means[:, first] - means[:, second]
        by_bootstrap.append(bootstrap_p(of_resamples))
        by_wilcoxon.append(wilcoxon_p(of_images))
        differences.append((first, second, float(of_images.mean()), *interval(of_resamples)))
    corrected = zip(differences, holm(by_bootstrap), holm(by_wilcoxon), strict=True)
    return [Pair(*pair, p_bootstrap, p_wilcoxon) for pair, p_bootstrap, p_wilcoxon in corrected]


def per_image(frame: pd.DataFrame, methods: list[str], test_set: str, name: str) -> Array:
    """Values (methods, images) of a metric, images sorted; no columns where a method has none."""
    series = [results.values(results.of(frame, method, test_set), name) for method in methods]
    if not series or not all(map(len, series)):
        return np.empty((len(methods), 0))
    return np.array([values.to_numpy(dtype=np.float64) for values in series])


def matrix(title: str, titles: list[str], pairs: list[Pair], metric: Metric) -> Table:
    """Make the matrix of one test set and metric, row against column."""
    cells = [[Cell("–") for _ in titles] for _ in titles]
    for pair in pairs:
        better = pair.better(metric.higher_is_better)
        for row, column, sign in ((pair.first, pair.second, 1), (pair.second, pair.first, -1)):
            mark = "≈" if better is None else "✓" if better == row else "✗"
            cells[row][column] = Cell(f"{mark} {sign * pair.difference:+.{metric.decimals}f}")
    columns = [Column(title="method"), *(Column(title=column, number=True) for column in titles)]
    return Table(title, columns, [[[Cell(name), *row] for name, row in zip(titles, cells, strict=True)]])


@dataclass
class Report:
    """Rows of statistics.csv and pairwise.csv, and the matrices of ranking.md."""

    preset: str
    means: list[Row] = field(default_factory=list)
    pairs: list[Row] = field(default_factory=list)
    matrices: list[Table] = field(default_factory=list)

    def files(self, banner: str) -> dict[str, str]:
        """Render the three files by name."""
        tables = {"statistics.csv": (MEANS, self.means), "pairwise.csv": (PAIRS, self.pairs)}
        rendered = {
            name: csv_text(Table(name, [Column(column) for column in columns], [rows]))
            for name, (columns, rows) in tables.items()
        }
        head = markdown(Table("Paired comparison of methods", [], [], banner=banner, notes=[LEGEND]))
        return rendered | {"ranking.md": "\n".join([head, *(markdown(table, level=2) for table in self.matrices)])}


def report(spec: ComparisonSpec, metrics: Metrics, frame: pd.DataFrame) -> Report:
    """Compute all statistics; InputError where the methods of a test set were not measured alike."""
    found = Report(spec.preset)
    for test_set in spec.test_sets:
        results.check_alike(frame, spec.methods, test_set, {name: metrics[name] for name in spec.metrics})
        for name in spec.metrics:
            add(found, spec, metrics[name], frame, test_set, name)
    return found


def add(found: Report, spec: ComparisonSpec, metric: Metric, frame: pd.DataFrame, test_set: str, name: str) -> None:
    """Add the statistics of one metric on one test set to ``found``."""
    methods = [method for method in spec.methods if results.has_values(results.of(frame, method, test_set))]
    values = per_image(frame, methods, test_set, name)
    has_spread = metric.level == "image" and values.shape[1] > 1
    means = resampled_means(values) if has_spread else np.empty((0, len(methods)))
    for method, entry in spec.methods.items():
        of_method = results.of(frame, method, test_set)
        rows = of_method[of_method["metric"] == name]
        measured = results.values(rows, name)
        numbers = [float(np.mean(measured))] if len(measured) else []
        if has_spread and numbers:
            numbers += interval(means[:, methods.index(method)])
        cells = [f"{number:.6f}" for number in numbers] + [""] * (3 - len(numbers))
        notes = "; ".join(dict.fromkeys(note for note in rows["note"] if note))
        fixed = (spec.preset, test_set, entry.title, name, len(results.images(of_method)))
        found.means.append(texts(*fixed, *cells, next(iter(rows["protocol"]), ""), notes))
    if not has_spread or len(methods) < 2:
        return
    pairs, titles = compare(values, means), [spec.methods[method].title for method in methods]
    for pair in pairs:
        best = pair.better(metric.higher_is_better)
        numbers = [pair.difference, pair.low, pair.high]
        cells = [*(f"{number:.6f}" for number in numbers), f"{pair.p_bootstrap:.4g}", f"{pair.p_wilcoxon:.4g}"]
        fixed_pair = (spec.preset, test_set, name, titles[pair.first], titles[pair.second], values.shape[1])
        found.pairs.append(texts(*fixed_pair, *cells, "" if best is None else titles[best]))
    title = f"{spec.test_sets[test_set].title}, {metric.heading}, {values.shape[1]} images"
    found.matrices.append(matrix(title, titles, pairs, metric))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.statistics.pairwise", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=Path, required=True, help="YAML: preset, metrics, methods, test_sets")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the three files")
    args = parser.parse_args()
    spec, metrics = settings.read(args.spec, ComparisonSpec), results.read_metrics(args.registry)
    results.check_known(spec.metrics, metrics, args.spec)
    found = report(spec, metrics, results.load(args.rows, metrics))
    for name, text in found.files(PRESETS[spec.preset]).items():
        write_text(args.out / name, text)


if __name__ == "__main__":
    run(main)
