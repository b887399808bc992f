"""Compare methods: intervals of averages, and pairwise tests on the same images.

    python -m benchmark.statistics.pairwise --spec FILE.yaml --rows FILE.csv ... --out results

The command writes these files below ``--out``. statistics.csv has a line for each test set, method and metric, with the
mean and its 95 % bootstrap interval (empty for a metric of the whole set, which has no spread over images).
pairwise.csv has a line for each test set, metric and pair of methods. ranking.md has a matrix of the differences for
each test set and metric, and ranking.html is the same page.

Tests are paired: they compare two methods on each image. A method is better if the paired bootstrap and Wilcoxon's
signed-rank test both find it at 5 %, after Holm's correction over all pairs of methods of a test set and metric.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.evaluation import results
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
from benchmark.tables.inputs import Inputs, add_inputs, make_parser, read_inputs
from benchmark.tables.render import html_page, markdown
from benchmark.tables.specs import PRESETS, ComparisonSpec
from benchmark.tables.table import Column, Row, Table, Value
from osediff.common.errors import run
from osediff.common.files import write_text

MEANS = ("preset", "test_set", "method", "metric", "images", "mean", "low", "high", "protocol", "note")
PAIRS = (
    *("preset", "test_set", "metric", "method", "other", "images", "difference", "low", "high"),
    *("p_bootstrap", "p_wilcoxon", "better"),
)
LEGEND = (
    "Row against column, with the mean difference: ✓ better, ✗ worse, ≈ not significant. Paired on the "
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
        """Return the index of the better method; None if the difference is not significant."""
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
    """Return the values (methods, images) of a metric, images sorted; no columns if a method has no values."""
    series = [results.values(results.of(frame, method, test_set), name) for method in methods]
    if not series or not all(map(len, series)):
        return np.empty((len(methods), 0))
    return np.array([values.to_numpy(dtype=np.float64) for values in series])


def matrix(title: str, titles: list[str], pairs: list[Pair], metric: Metric) -> Table:
    """Make the matrix of one test set and metric, row against column."""
    rows: list[dict[str, Value]] = [{"method": title, **dict.fromkeys(titles, "–")} for title in titles]
    for pair in pairs:
        better = pair.better(metric.higher_is_better)
        for row, column, sign in ((pair.first, pair.second, 1), (pair.second, pair.first, -1)):
            mark = "≈" if better is None else "✓" if better == row else "✗"
            rows[row][titles[column]] = f"{mark} {sign * pair.difference:+.{metric.decimals}f}"
    columns = [Column("method", "method"), *(Column(name, name, number=True) for name in titles)]
    return Table(title, columns, [[Row(row) for row in rows]])


@dataclass
class Report:
    """Lines of statistics.csv and pairwise.csv, and the matrices of ranking.md and ranking.html."""

    means: list[dict[str, object]] = field(default_factory=list)
    pairs: list[dict[str, object]] = field(default_factory=list)
    matrices: list[Table] = field(default_factory=list)

    def files(self, banner: str) -> dict[str, str]:
        """Render the files by name."""
        lines = {"statistics.csv": (MEANS, self.means), "pairwise.csv": (PAIRS, self.pairs)}
        rendered = {
            name: str(pd.DataFrame(content, columns=list(columns)).to_csv(index=False, lineterminator="\n"))
            for name, (columns, content) in lines.items()
        }
        head = Table("Paired comparison of methods", [], [], banner=banner, notes=[LEGEND])
        text = "\n".join([markdown(head), *(markdown(table, level=2) for table in self.matrices)])
        return rendered | {"ranking.md": text, "ranking.html": html_page(head, *self.matrices)}


def compute_report(inputs: Inputs[ComparisonSpec]) -> Report:
    """Compute all statistics; InputError if the methods of a test set were measured on different images."""
    spec, report = inputs.spec, Report()
    for test_set in spec.test_sets:
        metrics = {name: inputs.metrics[name] for name in spec.metrics}
        results.check_alike(inputs.frame, spec.methods, test_set, metrics)
        for name in metrics:
            add(report, inputs, test_set, name)
    return report


def add(report: Report, inputs: Inputs[ComparisonSpec], test_set: str, name: str) -> None:
    """Add the statistics of one metric on one test set to ``report``."""
    spec, metric = inputs.spec, inputs.metrics[name]
    of_methods = {method: results.of(inputs.frame, method, test_set) for method in spec.methods}
    methods = [method for method, rows in of_methods.items() if results.has_values(rows)]
    values = per_image(inputs.frame, methods, test_set, name)
    has_spread = metric.level == "image" and values.shape[1] > 1
    means = resampled_means(values) if has_spread else np.empty((0, len(methods)))
    place = {"preset": spec.preset, "test_set": test_set, "metric": name}
    for method, of_method in of_methods.items():
        rows = of_method[of_method["metric"] == name]
        measured = results.values(rows, name)
        line = place | {"method": spec.methods[method].title, "images": len(results.images(of_method))}
        line |= {"mean": f"{np.mean(measured):.6f}"} if len(measured) else {}
        if has_spread and len(measured):
            line |= print_numbers(("low", "high"), interval(means[:, methods.index(method)]))
        line |= {"protocol": next(iter(rows["protocol"]), ""), "note": "; ".join(filter(None, rows["note"].unique()))}
        report.means.append(line)
    if not has_spread or len(methods) < 2:
        return
    pairs, titles = compare(values, means), [spec.methods[method].title for method in methods]
    for pair in pairs:
        better = pair.better(metric.higher_is_better)
        line = place | {"method": titles[pair.first], "other": titles[pair.second], "images": values.shape[1]}
        line |= print_numbers(("difference", "low", "high"), (pair.difference, pair.low, pair.high))
        line |= {"p_bootstrap": f"{pair.p_bootstrap:.4g}", "p_wilcoxon": f"{pair.p_wilcoxon:.4g}"}
        report.pairs.append(line | {"better": "" if better is None else titles[better]})
    title = f"{spec.test_sets[test_set].title}, {metric.heading}, {values.shape[1]} images"
    report.matrices.append(matrix(title, titles, pairs, metric))


def print_numbers(names: tuple[str, ...], numbers: tuple[float, ...]) -> dict[str, str]:
    """Print numbers with six decimals, by name."""
    return {name: f"{number:.6f}" for name, number in zip(names, numbers, strict=True)}


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.statistics.pairwise", __doc__)
    add_inputs(parser, ComparisonSpec)
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    args = parser.parse_args()
    inputs = read_inputs(args, ComparisonSpec)
    for name, text in compute_report(inputs).files(PRESETS[inputs.spec.preset]).items():
        write_text(args.out / name, text)


if __name__ == "__main__":
    run(main)
