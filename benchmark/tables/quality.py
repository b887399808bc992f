"""Tables of averages over per-image rows: CSV, Markdown, LaTeX and HTML, which say the same.

    python -m benchmark.tables.quality --spec FILE.yaml --registry config/metrics.yaml --rows FILE.csv ... --out results/table1

``--rows`` are files of benchmark.evaluation.evaluate. Columns of the CSV, always in this order: preset, test_set (id),
method (title), steps, images, protocol, then one per metric, its title with ↑ (higher is better) or ↓. Values have the
decimals that the paper prints. An empty cell was not measured, and the other forms say below the table why. Best and
second best (of two methods or more) are found among the printed values that were measured, so that equal prints are
marked alike.

With ``--published FILE.csv ...``, rows of the published table that the spec names follow the measured ones of each test
set, for methods that were not measured on it; where none of the test sets was published, those of the paper follow.
They are set in italics and never marked; in the CSV their preset is ``published``, and the column ``source``, after the
metrics, names where they are from (``measured`` for the others). With ``--statistics results/statistics.csv`` each
average has its 95 % bootstrap interval, in the CSV as columns ``PSNR↑ low`` and ``PSNR↑ high`` at the end.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.metrics.registry import Metric
from benchmark.statistics.pairwise import MEANS
from benchmark.tables.render import write
from benchmark.tables.specs import PRESETS, QualitySpec, ShownMethod
from benchmark.tables.table import Cell, Column, Row, Table, marks, texts
from osediff.common import settings
from osediff.common.errors import InputError, run

PUBLISHED = "published"  # in place of a preset, on rows that nobody measured here
FIXED = (
    Column("preset"),
    Column("test_set"),
    Column(title="Test set"),
    Column("method", "Method"),
    Column("steps", "Steps", number=True),
    Column("images", "Images", number=True),
    Column("protocol"),
)
Intervals = dict[tuple[str, str, str], tuple[float, float]]  # by test set, title of the method, metric


def measured_row(
    spec: QualitySpec, metrics: Metrics, rows: pd.DataFrame, entry: ShownMethod, intervals: Intervals
) -> Row:
    """Make the row of one method on one test set, of which ``rows`` are; the cells of one that failed are empty."""
    test_set = str(rows["test_set"].iloc[0])
    protocols = dict(zip(rows["metric"], rows["protocol"], strict=True))
    shown = dict.fromkeys(protocols[name] for name in spec.metrics if name in protocols)
    images = len(results.images(rows))
    row = texts(spec.preset, test_set, "", entry.title, entry.steps, images or "", " + ".join(shown))
    for name in spec.metrics:
        metric = metrics[name]
        bounds = intervals.get((test_set, entry.title, name))
        interval = (metric.printed(bounds[0]), metric.printed(bounds[1])) if bounds else None
        row.append(Cell(metric.printed(results.mean(results.values(rows, name))), interval=interval))
    return row


def read_intervals(path: Path) -> Intervals:
    """Read the intervals of benchmark.statistics.pairwise; InputError where ``path`` is not its table."""
    intervals = {}
    for where, cells in results.read_csv(path, MEANS, "a table of benchmark.statistics.pairwise; make it anew"):
        row = dict(zip(MEANS, cells, strict=True))
        if row["low"]:
            bounds = results.number(row["low"], where, "low"), results.number(row["high"], where, "high")
            intervals[row["test_set"], row["method"], row["metric"]] = bounds
    return intervals


def published_rows(spec: QualitySpec, values: pd.DataFrame) -> dict[str, list[Row]]:
    """Make the rows of the published table of ``spec`` for what was not measured, by test set."""
    values = values[values["table"] == spec.published]
    sets = list(dict.fromkeys(values["test_set"]))
    wanted = [test_set for test_set in spec.test_sets if test_set in sets] or sets
    measured = {method.published_name for method in spec.methods.values() if method.weights is None}
    groups: dict[str, list[Row]] = {}
    for test_set in wanted:
        of_set = values[values["test_set"] == test_set]
        for method, rows in of_set.groupby("method", sort=False):
            if method in measured and test_set in spec.test_sets:
                continue
            first = rows.iloc[0]
            row = texts(PUBLISHED, test_set, "", method, first["steps"], "", first["protocol"], published=True)
            printed = dict(zip(rows["metric"], rows["printed"], strict=True))
            row += texts(*(printed.get(name, "") for name in spec.metrics), first["source"], published=True)
            groups.setdefault(test_set, []).append(row)
    return groups


def append_published(groups: dict[str, list[Row]], others: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Join measured and published rows by test set, measured ones first, each with its source."""
    joined = {test_set: [[*row, Cell("measured")] for row in rows] for test_set, rows in groups.items()}
    for test_set, rows in others.items():
        joined.setdefault(test_set, []).extend(rows)
    return joined


def mark_columns(metrics: list[Metric], rows: list[Row]) -> list[Row]:
    """Mark best and second best of each metric among the measured rows of one test set."""
    marked = [list(row) for row in rows]
    for column, metric in enumerate(metrics, start=len(FIXED)):
        printed = ["" if row[column].published else row[column].text for row in rows]
        for row, mark in zip(marked, marks(printed, metric.higher_is_better), strict=True):
            row[column] = replace(row[column], mark=mark)
    return marked


def named(spec: QualitySpec, test_set: str, rows: list[Row]) -> list[Row]:
    """Write the title of the test set into the first of its rows."""
    title = spec.test_sets[test_set].title if test_set in spec.test_sets else spec.titles.get(test_set, test_set)
    at = FIXED.index(Column(title="Test set"))
    return [[*row[:at], Cell(title if index == 0 else ""), *row[at + 1 :]] for index, row in enumerate(rows)]


def remarks(spec: QualitySpec, metrics: Metrics, frame: pd.DataFrame) -> list[str]:
    """Say of each method or metric that is absent or must be read with care, why."""
    lines, failed = [], set()
    for (method, test_set), rows in frame.groupby(["method", "test_set"], sort=False):
        title = spec.methods[method].title if method in spec.methods else method
        if note := results.method_note(rows):
            lines.append(f"{title}: {note}")
        if not results.has_values(rows) and rows["note"].nunique() == 1:
            failed.add((method, test_set))
            place = spec.test_sets[test_set].title if test_set in spec.test_sets else test_set
            lines.append(f"{title} on {place} not measured: {results.first_note(rows)}")
    lines += metric_notes(spec.metrics, metrics, frame, failed)
    return list(dict.fromkeys(lines))


def metric_notes(
    names: tuple[str, ...], metrics: Metrics, frame: pd.DataFrame, failed: set[tuple[str, str]]
) -> list[str]:
    """List the notes of each metric, once each; those of methods that ``failed`` on a test set are left out."""
    noted = frame[frame["note"] != ""]
    wanted = [key not in failed for key in zip(noted["method"], noted["test_set"], strict=True)]
    noted = noted.loc[pd.Series(wanted, index=noted.index, dtype=bool)]  # as a list, none would select no column
    lines = []
    for name in names:
        of_metric = noted[noted["metric"] == name]
        for value, note in zip(of_metric["value"], of_metric["note"], strict=True):
            _, reason = results.split_note(note)
            if reason:
                lines.append(f"{metrics[name].title} {'not measured: ' if pd.isna(value) else ''}{reason}")
    return list(dict.fromkeys(lines))


def notes(groups: dict[str, list[Row]], has_intervals: bool) -> list[str]:
    """Say what the cells mean: protocol, intervals, and which rows are somebody else's."""
    rows = [row for group in groups.values() for row in group]
    at = FIXED.index(Column("protocol"))
    protocols = ", ".join(dict.fromkeys(row[at].text for row in rows if not row[0].published))
    lines = [f"Protocol {protocols}; averages over the images. An empty cell was not measured."]
    if has_intervals:
        lines.append("In brackets: the 95 % bootstrap interval of the average.")
    sources = dict.fromkeys(row[-1].text for row in rows if row[0].published)
    if sources:
        lines.append(f"Rows in italics were not measured here, but published: {', '.join(sources)}.")
    return lines


def compose(
    spec: QualitySpec,
    metrics: Metrics,
    frame: pd.DataFrame,
    values: pd.DataFrame | None = None,
    intervals: Intervals | None = None,
) -> Table:
    """Make the table of measured rows, with published ``values`` and with ``intervals`` where they are given.

    InputError where the methods of a test set were not measured alike.
    """
    chosen = {name: metrics[name] for name in spec.metrics}
    groups: dict[str, list[Row]] = {}
    for test_set in spec.test_sets:
        results.check_alike(frame, spec.methods, test_set, chosen)
        groups[test_set] = [
            measured_row(spec, metrics, results.of(frame, method, test_set), entry, intervals or {})
            for method, entry in spec.methods.items()
        ]
    columns = [*FIXED]
    columns += [Column(m.heading, m.heading, number=True, interval=intervals is not None) for m in chosen.values()]
    if values is not None:
        groups = append_published(groups, published_rows(spec, values))
        columns.append(Column("source"))
    marked = {test_set: mark_columns(list(chosen.values()), rows) for test_set, rows in groups.items()}
    return Table(
        title=spec.title,
        caption=spec.caption,
        columns=columns,
        groups=[named(spec, test_set, rows) for test_set, rows in marked.items()],
        banner=PRESETS[spec.preset],
        notes=notes(groups, intervals is not None),
        remarks=remarks(spec, metrics, frame),
    )


def read_table(path: Path, metrics: Metrics) -> pd.DataFrame:
    """Read the CSV of this module: one column of printed texts for each metric, empty where nothing was measured.

    InputError, with file, line and column, where it is not such a table.
    """
    what = "a table of benchmark.tables.quality; render it first"
    head = results.read_head(path, what)
    fixed = [column.name for column in FIXED if column.name]
    if head[: len(fixed)] != fixed:
        raise InputError(f"{path} line 1: the columns must begin with {','.join(fixed)}; it should be {what}")
    return results.read_rendered(path, head, {metric.heading for metric in metrics.values()} & set(head), what)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.quality", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=Path, required=True, help="YAML: preset, title, caption, metrics, ...")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument("--published", type=Path, nargs="+", help="CSV files of published numbers, to show beside")
    parser.add_argument("--statistics", type=Path, help="CSV of benchmark.statistics.pairwise, to show its intervals")
    parser.add_argument(
        "--out", type=Path, required=True, help="path without ending; .csv, .md, .tex, .html are written"
    )
    args = parser.parse_args()
    spec, metrics = settings.read(args.spec, QualitySpec), results.read_metrics(args.registry)
    results.check_known(spec.metrics, metrics, args.spec)
    frame = results.load(args.rows, metrics)
    values = published.load(args.published, metrics) if args.published and spec.published else None
    intervals = read_intervals(args.statistics) if args.statistics else None
    write(compose(spec, metrics, frame, values, intervals), args.out)


if __name__ == "__main__":
    run(main)
