"""Compare measured numbers with published ones.

    python -m benchmark.tables.published --spec FILE.yaml --rows FILE.csv ... --published FILE.csv ... --out results

Writes compare_published.csv, .md and .html below ``--out``. The verdict is ``match`` within the published value's
tolerance, ``within noise`` if the published value is in the 95 % bootstrap interval of the measured average over
images, ``outside`` if it is beyond both, or ``not comparable`` with the reason: demo preset, other data, other
weights, other protocol, not measured. Published values of methods or metrics that are not in the spec are left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.evaluation import results
from benchmark.statistics.bootstrap import interval, resampled_means
from benchmark.tables.inputs import Inputs, add_inputs, make_parser, read_inputs
from benchmark.tables.render import write
from benchmark.tables.specs import PRESETS, ComparisonSpec, ShownMethod
from benchmark.tables.table import Column, Row, Table
from osediff.common.errors import run

VERDICTS = ("match", "within noise", "outside", "not comparable")
COLUMNS = [
    *(Column("preset"), Column("table"), Column("test_set"), Column("Test set", "Test set", csv=False)),
    *(Column("method", "Method"), Column("metric"), Column("Metric", "Metric", csv=False)),
    Column("published", "published", number=True),
    *(Column("measured"), Column("shown measured", "measured", number=True, csv=False)),
    *(Column("difference"), Column("shown difference", "difference", number=True, csv=False)),
    Column("tolerance", "tolerance", number=True),
    *(Column("verdict"), Column("reason"), Column("shown verdict", "verdict", csv=False)),
    *(Column("protocol"), Column("published_protocol"), Column("source", "source")),
]


def incomparable_reason(value: pd.Series, rows: pd.DataFrame, spec: ComparisonSpec, entry: ShownMethod) -> str:
    """Return why a published value cannot be compared with ``rows`` of one method and test set; empty if it can."""
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
        _, reason = results.split_note(results.first_note(of_metric))
        return f"not measured: {reason or 'not among the metrics'}"
    if entry.weights is not None:
        return f"{entry.weights} weights"
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


def comparison_row(inputs: Inputs[ComparisonSpec], entry: ShownMethod, value: pd.Series, rows: pd.DataFrame) -> Row:
    """Make the row of a published value; ``rows`` are the measured rows of its method and test set, if any."""
    spec, metric = inputs.spec, inputs.metrics[value["metric"]]
    row = value[["table", "test_set", "metric", "source"]].to_dict()
    row |= {"preset": spec.preset, "method": entry.title, "Metric": metric.title, "published": value["printed"]}
    row["Test set"] = spec.test_sets[row["test_set"]].title if row["test_set"] in spec.test_sets else row["test_set"]
    measured = results.values(rows, row["metric"])
    mean = results.mean(measured)
    for key, number, sign in (("measured", mean, ""), ("difference", mean - value["value"], "+")):
        if not math.isnan(number):
            row |= {key: f"{number:{sign}.6f}", f"shown {key}": f"{number:.{metric.decimals + 2}f}"}
    reason = incomparable_reason(value, rows, spec, entry)
    decided = "not comparable" if reason else verdict(value, measured)
    row |= {"tolerance": f"{value['tolerance']:g}", "verdict": decided, "reason": reason}
    row |= {"shown verdict": decided + (f" ({reason})" if reason else ""), "published_protocol": value["protocol"]}
    row["protocol"] = next(iter(rows.loc[rows["metric"] == row["metric"], "protocol"]), "")
    return Row(row)


def compare(inputs: Inputs[ComparisonSpec]) -> list[Row]:
    """Make one row for every published value of each method in the spec, in the order of the values."""
    rows, spec, frame, values = [], inputs.spec, inputs.frame, inputs.published
    for method, entry in spec.methods.items():
        for _, value in values[
            (values["method"] == entry.published_name) & values["metric"].isin(spec.metrics)
        ].iterrows():
            is_measured = value["test_set"] in spec.test_sets
            of_method = results.of(frame, method, value["test_set"]) if is_measured else frame[:0]
            rows.append(comparison_row(inputs, entry, value, of_method))
    return rows


def training_notes(spec: ComparisonSpec) -> list[str]:
    """Say of methods that were trained once what their intervals leave out."""
    if not spec.trainings:
        return []
    return [
        f"{', '.join(spec.trainings)}: trained once, with a single seed. How much another training would differ is "
        "unknown, and no interval here contains it."
    ]


def method_remarks(spec: ComparisonSpec, frame: pd.DataFrame) -> list[str]:
    """Return the note about each method, for example that its weights are not the published ones."""
    noted = ((entry.title, results.method_note(frame[frame["method"] == name])) for name, entry in spec.methods.items())
    return [f"{title}: {note}" for title, note in noted if note]


def tables(spec: ComparisonSpec, rows: list[Row], remarks: Sequence[str] = ()) -> tuple[Table, Table]:
    """Make the table of all ``rows`` for the CSV, and the table of the measured test sets for the other forms."""
    counts = Counter(row.values["verdict"] for row in rows)
    shown = [row for row in rows if row.values["test_set"] in spec.test_sets]
    caption = ", ".join(f"{counts[name]} {name}" for name in VERDICTS) + "."
    if not rows:
        titles = ", ".join(method.published_name for method in spec.methods.values())
        caption = f"Nothing to compare: no published number in config/published is of {titles} and an active metric."
    notes = [
        "Within noise: the published value lies in the 95 % bootstrap interval of the measured average over images."
    ]
    notes += training_notes(spec)
    if len(shown) < len(rows):
        notes.append(f"{len(rows) - len(shown)} published values are of test sets that were not measured here.")
    whole = Table("Measured beside published", COLUMNS, [rows], caption, PRESETS[spec.preset], notes)
    return whole, replace(whole, groups=[shown], remarks=list(remarks))


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.tables.published", __doc__)
    add_inputs(parser, ComparisonSpec)
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    args = parser.parse_args()
    inputs = read_inputs(args, ComparisonSpec)
    whole, shown = tables(inputs.spec, compare(inputs), method_remarks(inputs.spec, inputs.frame))
    write(whole, args.out / "compare_published", ("csv",))
    write(shown, args.out / "compare_published", ("md", "html"))


if __name__ == "__main__":
    run(main)
