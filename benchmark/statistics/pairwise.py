"""What differences between methods are worth: intervals of averages, and pairwise tests on the same images.

    python -m benchmark.statistics.pairwise --spec JSON --rows FILE.csv ... --out results

Writes, below ``--out``: statistics.csv, one line per test set, method and metric with the mean and its 95 % bootstrap
interval (empty for a metric of the whole set, which has no spread over images); pairwise.csv, one line per test set,
metric and pair of methods; ranking.md, a matrix of who is really better. ``--spec`` and ``--rows`` are those of
benchmark.tables.quality, title and caption left out.

Tests are paired: both methods on each image. A method is called better when the paired bootstrap and Wilcoxon's
signed-rank test both say so at 5 %, after Holm's correction over all pairs of methods of a test set and metric.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from benchmark.metrics import build as metrics
from benchmark.tables.quality import PRESETS, Groups, compose, has_values, heading, read_rows
from osediff.common.errors import InputError, run
from osediff.common.files import write_text

RESAMPLES = 10_000
SEED = 0  # resampling is part of the result, so it does not follow the configuration's seed
LEVEL = 0.05
MEANS = ("preset", "test_set", "method", "metric", "images", "mean", "low", "high", "protocol", "note")
COMPARED = ("preset", "test_set", "metric", "method", "other", "images", "difference", "low", "high")
PAIRS = (*COMPARED, "p_bootstrap", "p_wilcoxon", "better")
LEGEND = (
    "Row against column, with the mean difference: ✓ really better, ✗ really worse, ≈ cannot be told. Paired on the "
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
        """Index of the method that is really better; None when that cannot be told."""
        if max(self.p_bootstrap, self.p_wilcoxon) >= LEVEL or self.difference == 0:
            return None
        return self.first if (self.difference > 0) == higher_is_better else self.second


def resampled_means(values: np.ndarray, resamples: int = RESAMPLES, seed: int = SEED) -> np.ndarray:
    """Means (resamples, methods) of ``values`` (methods, images), images drawn with replacement, alike for all."""
    rng, images = np.random.default_rng(seed), values.shape[1]
    means = np.empty((resamples, len(values)))
    step = max(1, 2_000_000 // images)  # some megabytes at a time
    for start in range(0, resamples, step):
        drawn = rng.integers(images, size=(min(step, resamples - start), images))
        for index, row in enumerate(values):
            means[start : start + len(drawn), index] = row[drawn].mean(axis=1)
    return means


def interval(means: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of resampled means."""
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)


def holm(p_values: list[float]) -> list[float]:
    """``p_values`` corrected for their number (Holm, 1979), in the order given; never above 1."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def compared(values: np.ndarray, means: np.ndarray) -> list[Pair]:
    """Every pair of the methods in ``values`` (methods, images), by ``means``, the resampled means (resamples, m)."""
    found, by_bootstrap, by_wilcoxon = [], [], []
    for first, second in itertools.combinations(range(len(values)), 2):
        differences, drawn = values[first] - values[second], means[:, first] - means[:, second]
        # Two-sided, and never 0: the sample itself counts as one of the resamples.
        tail = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
        by_bootstrap.append(min(1.0, 2 * (tail + 1) / (len(drawn) + 1)))
        by_wilcoxon.append(float(wilcoxon(differences).pvalue) if differences.any() else 1.0)
        found.append((first, second, float(differences.mean()), *interval(drawn)))
    corrected = zip(found, holm(by_bootstrap), holm(by_wilcoxon), strict=True)
    return [Pair(*pair, p_bootstrap, p_wilcoxon) for pair, p_bootstrap, p_wilcoxon in corrected]


def per_image(groups: Groups, methods: list[str], test_set: str, name: str) -> np.ndarray:
    """Values (methods, images) of a metric, images in one order; no columns where it was not measured."""
    rows = []
    for method in methods:
        measured = [row for row in groups[method, test_set] if row["metric"] == name and row["value"]]
        rows.append({row["image"]: float(row["value"]) for row in measured})
    if not all(rows):
        return np.empty((len(methods), 0))
    return np.array([[of[image] for image in sorted(rows[0])] for of in rows])


def matrix(titles: list[str], pairs: list[Pair], metric: dict[str, Any]) -> list[str]:
    """Markdown lines, row against column: ✓ the row is really better, ✗ worse, ≈ cannot be told; the difference."""
    cells = [["–"] * len(titles) for _ in titles]
    for pair in pairs:
        better = pair.better(metric["higher_is_better"])
        for row, column, sign in ((pair.first, pair.second, 1), (pair.second, pair.first, -1)):
            mark = "≈" if better is None else "✓" if better == row else "✗"
            cells[row][column] = f"{mark} {sign * pair.difference:+.{metric['decimals']}f}"
    lines = ["| " + " | ".join(["", *titles]) + " |", "|---|" + "--:|" * len(titles)]
    return lines + ["| " + " | ".join([title, *row]) + " |" for title, row in zip(titles, cells, strict=True)]


def as_csv(columns: tuple[str, ...], lines: list[list[str]]) -> str:
    """Lines of a CSV file under ``columns``."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *lines])
    return text.getvalue()


def report(spec: dict[str, Any], registry: metrics.Registry, groups: Groups) -> dict[str, str]:
    """The three files by name. InputError where the methods of a test set were not measured alike."""
    compose(spec, registry, groups)  # its checks: the same images and one protocol
    titles = {method: entry["title"] for method, entry in spec["methods"].items()}
    means_lines, pair_lines = [], []
    text = ["# Who is really better", "", f"**{PRESETS[spec['preset']]}**", ""]
    text.append(LEGEND)
    for test_set, name in itertools.product(spec["test_sets"], spec["metrics"]):
        metric = registry["metrics"][name]
        methods = [method for method in titles if has_values(groups[method, test_set])]
        values = per_image(groups, methods, test_set, name)
        spread = metric["level"] == "image" and values.shape[1] > 1
        means = resampled_means(values) if spread else np.empty((0, len(methods)))
        for method, title in titles.items():
            rows = [row for row in groups[method, test_set] if row["metric"] == name]
            images = len({row["image"] for row in groups[method, test_set]} - {""})
            found = [float(row["value"]) for row in rows if row["value"]]
            numbers = [float(np.mean(found))] if found else []
            numbers += [*interval(means[:, methods.index(method)])] if spread and found else []
            cells = [f"{number:.6f}" for number in numbers] + [""] * (3 - len(numbers))
            notes = "; ".join(dict.fromkeys(row["note"] for row in rows if row["note"]))
            fixed = [spec["preset"], test_set, title, name, str(images)]
            means_lines.append([*fixed, *cells, rows[0]["protocol"] if rows else "", notes])
        if not spread or len(methods) < 2:
            continue
        pairs, shown = compared(values, means), [titles[method] for method in methods]
        for pair in pairs:
            best = pair.better(metric["higher_is_better"])
            fixed = [spec["preset"], test_set, name, shown[pair.first], shown[pair.second], str(values.shape[1])]
            cells = [f"{number:.6f}" for number in (pair.difference, pair.low, pair.high)]
            cells += [f"{p:.4g}" for p in (pair.p_bootstrap, pair.p_wilcoxon)]
            pair_lines.append([*fixed, *cells, "" if best is None else shown[best]])
        title = spec["test_sets"][test_set]["title"]
        text += ["", f"## {title}, {heading(metric)}, {values.shape[1]} images", "", *matrix(shown, pairs, metric)]
    return {
        "statistics.csv": as_csv(MEANS, means_lines),
        "pairwise.csv": as_csv(PAIRS, pair_lines),
        "ranking.md": "\n".join(text) + "\n",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.statistics.pairwise", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: preset, metrics, methods, test_sets")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the three files")
    args = parser.parse_args()
    lacking = {"preset", "metrics", "methods", "test_sets"} - args.spec.keys()
    if lacking:
        raise InputError(f"--spec lacks {', '.join(sorted(lacking))}")
    for name, text in report(args.spec, metrics.load(args.registry), read_rows(args.rows)).items():
        write_text(args.out / name, text)


if __name__ == "__main__":
    run(main)
