"""Make tables of averages over images, as CSV, Markdown, LaTeX and HTML with the same content.

    python -m benchmark.tables.quality --spec FILE.yaml --rows FILE.csv ... --out results/table1

``--rows`` are files of benchmark.evaluation.evaluate. Columns of the CSV, always in this order: preset, test_set (id),
method (title), steps, images, protocol, then one per metric, its title with ↑ (higher is better) or ↓. Values have the
decimals that the paper prints. An empty cell was not measured, and the other forms say below the table why. Best and
second best (of two methods or more) are decided by the printed measured values, so that equal prints have the same
mark.

With ``--published FILE.csv ...``, the measured rows of each test set are followed by rows of the published table that
the spec names, for methods that were not measured. If none of the test sets was published, the test sets of the paper
follow. Published rows are in italics and never marked. In the CSV their preset is ``published``, and the column
``source``, after the metrics, gives their source (``measured`` for other rows). With ``--statistics
results/statistics.csv`` each average has its 95 % bootstrap interval, in the CSV as columns ``PSNR↑ low`` and
``PSNR↑ high`` at the end.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.statistics.pairwise import MEANS
from benchmark.tables.inputs import Inputs, add_inputs, make_parser, read_inputs
from benchmark.tables.render import write
from benchmark.tables.specs import PRESETS, QualitySpec, ShownMethod
from benchmark.tables.table import Cell, Column, Row, Table, Value, marks
from osediff.common.errors import InputError, run

COLUMNS = (
    *(Column("preset"), Column("test_set"), Column("Test set", "Test set", csv=False, group=True)),
    *(Column("method", "Method"), Column("steps", "Steps", number=True), Column("images", "Images", number=True)),
    Column("protocol"),
)
Intervals = dict[tuple[str, str, str], tuple[float, float]]  # by test set, title of the method, metric


def measured_row(
    inputs: Inputs[QualitySpec], test_set: str, rows: pd.DataFrame, entry: ShownMethod, intervals: Intervals
) -> Row:
    """Make the row of one method on one test set from its ``rows``; the cells of a failed method are empty."""
    spec = inputs.spec
    protocols = rows[rows["metric"].isin(spec.metrics)].set_index("metric")["protocol"].to_dict()
    row: dict[str, Value] = {"preset": spec.preset, "test_set": test_set, "source": "measured"}
    row |= {"Test set": spec.test_sets[test_set].title, "method": entry.title, "steps": entry.steps}
    row |= {"images": len(results.images(rows)) or None}
    row |= {"protocol": " + ".join(dict.fromkeys(protocols[name] for name in spec.metrics if name in protocols))}
    for name in spec.metrics:
        metric = inputs.metrics[name]
        cell = Cell(metric.printed(results.mean(results.values(rows, name))))
        bounds = intervals.get((test_set, entry.title, name))
        if bounds is not None:
            low, high = map(metric.printed, bounds)
            cell = replace(cell, interval=(low, high))
            row |= {f"{metric.heading} low": low, f"{metric.heading} high": high}
        row[metric.heading] = cell
    return Row(row)


def read_intervals(path: Path) -> Intervals:
    """Read the intervals of benchmark.statistics.pairwise; InputError if ``path`` is not its table."""
    what = "a table of benchmark.statistics.pairwise; make it anew"
    rows = results.read_rendered(path, MEANS, ("low", "high"), what).to_dict("records")
    return {
        (row["test_set"], row["method"], row["metric"]): (float(row["low"]), float(row["high"]))
        for row in rows
        if row["low"]
    }


def published_rows(inputs: Inputs[QualitySpec]) -> list[Row]:
    """Make the rows of the spec's published table for methods that were not measured, by test set."""
    spec, values = inputs.spec, inputs.published[inputs.published["table"] == inputs.spec.published]
    of_spec = values[values["test_set"].isin(list(spec.test_sets))]
    if not of_spec.empty:
        measured = of_spec["method"].isin(
            [method.published_name for method in spec.methods.values() if method.weights is None]
        )
        values = of_spec[~measured]
    rows = []
    for (test_set, method), of_method in values.groupby(["test_set", "method"], sort=False):
        first = of_method.iloc[0]
        title = spec.test_sets[test_set].title if test_set in spec.test_sets else spec.titles.get(test_set, test_set)
        printed = dict(zip(of_method["metric"], of_method["printed"], strict=True))
        row = {"preset": "published", "test_set": test_set, "Test set": title, "method": method}
        row |= {key: first[key] for key in ("steps", "protocol", "source")}
        row |= {inputs.metrics[name].heading: printed.get(name, "") for name in spec.metrics}
        rows.append(Row(row, published=True))
    return rows


def mark_best(rows: list[Row], heading: str, higher_is_better: bool) -> None:
    """Mark best and second best of a metric among the measured rows of one test set."""
    cells = [row.cell(heading) for row in rows]
    for row, cell, mark in zip(rows, cells, marks([cell.text for cell in cells], higher_is_better), strict=True):
        row.values[heading] = replace(cell, mark=mark)


def remarks(inputs: Inputs[QualitySpec]) -> list[str]:
    """Return the notes: why a method or metric is missing, or why its values must be read with care."""
    spec, lines, others = inputs.spec, [], []
    for (method, test_set), rows in inputs.frame.groupby(["method", "test_set"], sort=False):
        title = spec.methods[method].title if method in spec.methods else method
        if note := results.method_note(rows):
            lines.append(f"{title}: {note}")
        if results.has_values(rows) or rows["note"].nunique() > 1:
            others.append(rows)
        else:
            place = spec.test_sets[test_set].title if test_set in spec.test_sets else test_set
            lines.append(f"{title} on {place} not measured: {results.first_note(rows)}")
    lines += metric_notes(spec.metrics, inputs.metrics, pd.concat(others)) if others else []
    return list(dict.fromkeys(lines))


def metric_notes(names: tuple[str, ...], metrics: Metrics, rows: pd.DataFrame) -> list[str]:
    """List the different notes of each metric in ``rows``."""
    lines = []
    for name in names:
        of_metric = rows[rows["metric"] == name]
        for is_absent, note in zip(of_metric["value"].isna(), of_metric["note"], strict=True):
            _, reason = results.split_note(note)
            if reason:
                lines.append(f"{metrics[name].title} {'not measured: ' * is_absent}{reason}")
    return list(dict.fromkeys(lines))


def compose(inputs: Inputs[QualitySpec], intervals: Intervals | None = None) -> Table:
    """Make the table of measured rows, with the published ones that the spec names, and with ``intervals``.

    InputError if the methods of a test set were measured on different images.
    """
    spec, frame = inputs.spec, inputs.frame
    chosen = {name: inputs.metrics[name] for name in spec.metrics}
    groups: dict[str, list[Row]] = {}
    for test_set in spec.test_sets:
        results.check_alike(frame, spec.methods, test_set, chosen)
        groups[test_set] = [
            measured_row(inputs, test_set, results.of(frame, method, test_set), entry, intervals or {})
            for method, entry in spec.methods.items()
        ]
        for metric in chosen.values():
            mark_best(groups[test_set], metric.heading, metric.higher_is_better)
    protocols = dict.fromkeys(row.cell("protocol").text for rows in groups.values() for row in rows)
    notes = [f"Protocol {', '.join(protocols)}; averages over the images. An empty cell was not measured."]
    columns = [*COLUMNS, *(Column(metric.heading, metric.heading, number=True) for metric in chosen.values())]
    published = published_rows(inputs)
    for row in published:
        groups.setdefault(row.cell("test_set").text, []).append(row)
    if spec.published and not inputs.published.empty:
        columns.append(Column("source"))
    if intervals is not None:
        columns += [Column(f"{metric.heading} {end}") for metric in chosen.values() for end in ("low", "high")]
        notes.append("In brackets: the 95 % bootstrap interval of the average.")
    if published:
        sources = dict.fromkeys(row.cell("source").text for row in published)
        notes.append(f"Rows in italics were not measured here, but published: {', '.join(sources)}.")
    banner, lines = PRESETS[spec.preset], remarks(inputs)
    return Table(spec.title, columns, list(groups.values()), spec.caption, banner, notes, lines)


def read_table(path: Path, metrics: Metrics) -> pd.DataFrame:
    """Read the CSV of this module: one column of printed texts for each metric, empty if not measured.

    InputError, with file, line and column, where it is not such a table.
    """
    what = "a table of benchmark.tables.quality; render it first"
    head = results.read_head(path, what)
    fixed = [column.key for column in COLUMNS if column.csv]
    if head[: len(fixed)] != fixed:
        raise InputError(f"{path} line 1: the columns must begin with {','.join(fixed)}; it should be {what}")
    shown = {metric.heading: metric for metric in metrics.values() if metric.heading in head}
    known = {*fixed, *shown, "source", *(f"{heading} {end}" for heading in shown for end in ("low", "high"))}
    if unknown := [column for column in head if column not in known]:
        raise InputError(f"{path} line 1: no metric has the column {unknown[0]!r}; it should be {what}")
    table = results.read_rendered(path, head, shown, what)
    for heading, metric in shown.items():
        for line, text in enumerate(table[heading], start=2):
            if text and not metric.is_possible(float(text)):
                raise InputError(f"{path} line {line}, column {heading}: {text} is impossible for {metric.title}")
    return table


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.tables.quality", __doc__)
    add_inputs(parser, QualitySpec)
    parser.add_argument("--statistics", type=Path, help="CSV of benchmark.statistics.pairwise, to show its intervals")
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .csv, .md, .tex, .html are made")
    args = parser.parse_args()
    inputs = read_inputs(args, QualitySpec)
    write(compose(inputs, read_intervals(args.statistics) if args.statistics else None), args.out)


if __name__ == "__main__":
    run(main)
