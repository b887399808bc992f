"""Measured beside published: does the same method give the same number?

    python -m benchmark.tables.published --spec FILE.yaml --rows FILE.csv ... --published FILE.csv ... --out results

Writes compare_published.csv and .md below ``--out``. The verdict is ``match`` within the published value's tolerance,
``within noise`` where the published value lies in the 95 % bootstrap interval of the measured average over images,
``outside`` beyond both, or ``not comparable`` with the reason: demo preset, other data, other weights, other protocol, not measured.
Published values of methods or metrics that are not in the spec are left out.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.statistics.bootstrap import interval, resampled_means
from benchmark.tables.render import write
from benchmark.tables.specs import PRESETS, ComparisonSpec, ShownMethod
from benchmark.tables.table import Cell, Column, Row, Table
from osediff.common import settings
from osediff.common.errors import run

VERDICTS = ("match", "within noise", "outside", "not comparable")
COLUMNS = (
    *(Column("preset"), Column("table"), Column("test_set"), Column(title="Test set")),
    *(Column("method", "Method"), Column("metric"), Column(title="Metric")),
    Column("published", "published", number=True),
    *(Column("measured"), Column(title="measured", number=True)),
    *(Column("difference"), Column(title="difference", number=True)),
    Column("tolerance", "tolerance", number=True),
    *(Column("verdict"), Column("reason"), Column(title="verdict")),
    *(Column("protocol"), Column("published_protocol"), Column("source", "source")),
)


def incomparable_reason(value: pd.Series, rows: pd.DataFrame, spec: ComparisonSpec, entry: ShownMethod) -> str:
    """Say why a published value cannot be compared with ``rows`` of one method and test set; empty if it can."""
    test_set, name = value["test_set"], value["metric"]
    if test_set not in spec.test_sets:
        return f"other data: {test_set} was not measured"
    if spec.preset == "demo":
        return f"{spec.preset} preset"
    images, expected = len(results.images(rows)), spec.test_sets[test_set].images
    if images and expected and images != expected:
        return f"other data: {images} images, not {expected}"
    of_metric = rows[rows["metric"] == name]
    if not results.has_values(of_metric):
        return f"not measured: {results.first_note(of_metric) or 'not among the metrics'}"
    if entry.weights is not None:
        return f"{entry.weights} weights: {results.method_note(rows) or 'not those that were published'}"
    protocol = of_metric["protocol"].iloc[0]
    return f"other protocol: {value['protocol']}" if value["protocol"] != protocol else ""


def verdict(value: pd.Series, measured: pd.Series) -> str:
    """Compare a published value with measured ones, one per image: ``match``, ``within noise`` or ``outside``."""
    # The last term is for the binary form of printed decimals, such as 27.925 against 27.92.
    if abs(results.mean(measured) - value["value"]) <= value["tolerance"] + 1e-9:
        return "match"
    if len(measured) > 1:
        low, high = interval(resampled_means(measured.to_numpy(dtype=np.float64)[None])[:, 0])
        if low <= value["value"] <= high:
            return "within noise"
    return "outside"


def comparison_row(
    spec: ComparisonSpec, metrics: Metrics, entry: ShownMethod, value: pd.Series, rows: pd.DataFrame
) -> Row:
    """Make the row of one published value; ``rows`` are of the same method and test set, none where it was not measured."""
    name, test_set = value["metric"], value["test_set"]
    reason = incomparable_reason(value, rows, spec, entry)
    measured = results.values(rows, name)
    mean = results.mean(measured)
    decided = "not comparable" if reason else verdict(value, measured)
    shown_set = spec.test_sets[test_set].title if test_set in spec.test_sets else test_set
    cells = [spec.preset, value["table"], test_set, shown_set, entry.title, name, metrics[name].title, value["printed"]]
    for number, sign in ((mean, ""), (mean - value["value"], "+")):
        digits = metrics[name].decimals + 2
        cells += ["", ""] if math.isnan(number) else [f"{number:{sign}.6f}", f"{number:.{digits}f}"]
    cells += [f"{value['tolerance']:g}", decided, reason, decided + (f" ({reason})" if reason else "")]
    cells += [next(iter(rows.loc[rows["metric"] == name, "protocol"]), ""), value["protocol"], value["source"]]
    return [Cell(cell) for cell in cells]


def compare(spec: ComparisonSpec, metrics: Metrics, frame: pd.DataFrame, values: pd.DataFrame) -> list[Row]:
    """Make one row for every published value of each method in ``spec``, in the order of ``values``."""
    rows = []
    for method, entry in spec.methods.items():
        chosen = values[(values["method"] == entry.published_name) & values["metric"].isin(spec.metrics)]
        for _, value in chosen.iterrows():
            of_method = frame[(frame["method"] == method) & (frame["test_set"] == value["test_set"])]
            if value["test_set"] in spec.test_sets:
                of_method = results.of(frame, method, value["test_set"])
            rows.append(comparison_row(spec, metrics, entry, value, of_method))
    return rows


def tables(spec: ComparisonSpec, rows: list[Row]) -> tuple[Table, Table]:
    """Make the table of all ``rows``, for the CSV, and the one of the test sets that were measured, for the eye."""
    at = {column.name: index for index, column in enumerate(COLUMNS) if column.name}
    counts = Counter(row[at["verdict"]].text for row in rows)
    shown = [row for row in rows if row[at["test_set"]].text in spec.test_sets]
    caption = ", ".join(f"{counts[name]} {name}" for name in VERDICTS) + "."
    if not rows:
        titles = ", ".join(method.published_name for method in spec.methods.values())
        caption = f"Nothing to compare: no published number in config/published is of {titles} and an active metric."
    notes = [
        "Within noise: the published value lies in the 95 % bootstrap interval of the measured average over images."
    ]
    if len(shown) < len(rows):
        notes.append(f"{len(rows) - len(shown)} published values are of test sets that were not measured here.")
    whole = Table("Measured beside published", list(COLUMNS), [rows], caption, PRESETS[spec.preset], notes)
    return whole, Table(whole.title, whole.columns, [shown], caption, whole.banner, notes)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.published", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=Path, required=True, help="YAML: preset, metrics, methods, test_sets")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument("--published", type=Path, nargs="+", required=True, help="CSV files of published values")
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    args = parser.parse_args()
    spec, metrics = settings.read(args.spec, ComparisonSpec), results.read_metrics(args.registry)
    results.check_known(spec.metrics, metrics, args.spec)
    values = published.load(args.published, metrics)
    whole, shown = tables(spec, compare(spec, metrics, results.load(args.rows, metrics), values))
    write(whole, args.out / "compare_published", ("csv",))
    write(shown, args.out / "compare_published", ("md",))


if __name__ == "__main__":
    run(main)
