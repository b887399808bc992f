"""The one loader of measured rows: files of benchmark.evaluation.evaluate become one checked pandas frame.

A row is a value of a metric on one image, or on the whole test set (``image`` is empty). ``value`` is NaN if the
metric could not be measured, and ``note`` says why. Everything that tables, statistics and figures use comes from here.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from benchmark.metrics.registry import Metric, read_registry
from osediff.common.errors import InputError
from osediff.common.files import read_text
from osediff.common.validation import check_name, suggestion

COLUMNS = ("method", "test_set", "image", "metric", "value", "protocol", "note")
OF_METHOD = "method: "  # before a note that is about the method, not the metric; it stands on all rows of the method

Metrics = dict[str, Metric]


def read_metrics(path: Path) -> Metrics:
    """Read the metrics of a registry such as config/metrics.yaml, in its order."""
    return read_registry(path).metrics


def load(paths: Iterable[Path], metrics: Metrics) -> pd.DataFrame:
    """Load evaluation files into one frame with ``COLUMNS``, rows in the order of the files.

    InputError, with file, line and column: wrong encoding or columns, cells that are missing or too many, a metric that
    does not exist, a value that is no number, not finite or impossible for its metric, a value given twice, and two
    protocols of one metric on one test set.
    """
    rows: list[tuple[str, str, str, str, float, str, str]] = []
    seen: dict[tuple[str, str, str, str], str] = {}
    protocols: dict[tuple[str, str], tuple[str, str]] = {}
    for path in paths:
        for where, cells in read_csv(path, COLUMNS, "an evaluation; make it with benchmark.evaluation.evaluate"):
            row = dict(zip(COLUMNS, cells, strict=True))
            value = check_row(row, metrics, where)
            key = (row["method"], row["test_set"], row["image"], row["metric"])
            if key in seen:
                raise InputError(f"{where}, column value: {' '.join(filter(None, key))} stands at {seen[key]} already")
            seen[key] = where
            if not math.isnan(value):
                before, place = protocols.setdefault((row["test_set"], row["metric"]), (row["protocol"], where))
                if before != row["protocol"]:
                    raise InputError(
                        f"{where}, column protocol: {row['metric']} on {row['test_set']} is of {row['protocol']}, "
                        f"but of {before} at {place}; measure all methods by one protocol"
                    )
            rows.append((*key, value, row["protocol"], row["note"]))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def check_row(row: dict[str, str], metrics: Metrics, where: str) -> float:
    """Check one row and return its value, NaN if there is none; InputError that begins with ``where``."""
    for column in ("method", "test_set", "metric", "protocol"):
        if not row[column]:
            raise InputError(f"{where}, column {column}: is empty")
    if row["metric"] not in metrics:
        raise InputError(f"{where}, column metric: no metric {row['metric']!r}, {suggestion(row['metric'], metrics)}")
    if not row["value"]:
        return math.nan
    metric = metrics[row["metric"]]
    value = number(row["value"], where, "value")
    if not metric.is_possible(value):
        low, high = ("no bound" if bound is None else f"{bound:g}" for bound in metric.range)
        raise InputError(f"{where}, column value: {row['value']} is impossible for {metric.title} ({low} to {high})")
    if (metric.level == "image") != bool(row["image"]):
        expected = "the name of an image" if metric.level == "image" else "nothing, since it is of the whole set"
        raise InputError(f"{where}, column image: {metric.title} needs {expected}")
    return value


def number(text: str, where: str, column: str) -> float:
    """Convert a cell to a finite number; InputError with its place."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}, column {column}: {text!r} is not a finite number")
    return value


def read_csv(path: Path, columns: Sequence[str], what: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the place (``FILE line N``) and the cells of each row of a CSV file that must have exactly ``columns``.

    InputError if the file cannot be read, is no UTF-8 text, has other columns (then it is not ``what``) or no row,
    or where a row has another number of cells.
    """
    text = read_utf8(path, what)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = next(reader, [])
        if tuple(head) != tuple(columns):
            raise InputError(f"{path} line 1: the columns must be {','.join(columns)}; it should be {what}")
        empty = True
        for cells in reader:
            where = f"{path} line {reader.line_num}"
            if len(cells) != len(columns):
                surplus = (
                    f"after column {columns[-1]}" if len(cells) > len(columns) else f"up to {columns[len(cells) - 1]}"
                )
                raise InputError(f"{where}: has {len(cells)} cells {surplus}, not {len(columns)}")
            empty = False
            yield where, cells
    except csv.Error as error:
        raise InputError(f"{path} line {reader.line_num}: is no CSV ({error}); it should be {what}") from None
    if empty:
        raise InputError(f"{path}: has no rows; it should be {what}")


def read_rendered(path: Path, columns: Sequence[str], numeric: Collection[str], what: str) -> pd.DataFrame:
    """Read the CSV form of a rendered table, cells as printed.

    Args:
        path: the file.
        columns: its columns, all of them, in order.
        numeric: the columns whose cells are finite numbers or empty.
        what: description of the expected file, for errors.

    Raises:
        InputError: as ``read_csv``, and where a cell of ``numeric`` is no number, with its place.
    """
    rows = []
    for where, cells in read_csv(path, columns, what):
        row = dict(zip(columns, cells, strict=True))
        for column in numeric:
            if row[column]:
                number(row[column], where, column)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(columns))


def read_utf8(path: Path, what: str) -> str:
    """Read a text file; InputError, with the line, where it cannot be read or is not UTF-8."""
    try:
        return read_text(path, what)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); it should be {what}") from error


def read_head(path: Path, what: str) -> list[str]:
    """Read the columns of a CSV file, for files whose columns depend on the configuration."""
    return next(csv.reader(io.StringIO(read_utf8(path, what), newline="")), [])


def of(frame: pd.DataFrame, method: str, test_set: str) -> pd.DataFrame:
    """Select the rows of one method on one test set; InputError if there are none."""
    rows = frame[(frame["method"] == method) & (frame["test_set"] == test_set)]
    if rows.empty:
        raise InputError(
            f"no evaluation of {method} on {test_set} among --rows; run benchmark.evaluation.evaluate for it"
        )
    return rows


def images(rows: pd.DataFrame) -> list[str]:
    """List the images of ``rows``, sorted."""
    return sorted(set(rows["image"]) - {""})


def has_values(rows: pd.DataFrame) -> bool:
    """Return whether a method has any value; a method that failed has none, and its notes say why."""
    return bool(rows["value"].notna().any())


def values(rows: pd.DataFrame, metric: str) -> pd.Series:
    """Return the values of one metric by image, sorted by image; missing values are left out."""
    chosen = rows[(rows["metric"] == metric) & rows["value"].notna()]
    return chosen.set_index("image")["value"].sort_index()


def mean(numbers: Iterable[float]) -> float:
    """Average without rounding errors, so that no order of the rows changes a printed digit; NaN for nothing."""
    listed = list(numbers)
    return math.fsum(listed) / len(listed) if listed else math.nan


def with_method_note(note: str, of_metric: str) -> str:
    """Join a note about a method and one about a metric, which may be empty, for a row of both."""
    return "; ".join(filter(None, [f"{OF_METHOD}{note}", of_metric]))


def split_note(note: str) -> tuple[str, str]:
    """Split the note of a row into a part about the method and a part about the metric; either may be empty."""
    if not note.startswith(OF_METHOD):
        return "", note
    of_method, _, of_metric = note.removeprefix(OF_METHOD).partition("; ")
    return of_method, of_metric


def method_note(rows: pd.DataFrame) -> str:
    """Return the note about the method in the rows of one method; empty if there is none."""
    return next((of_method for of_method, _ in map(split_note, rows["note"]) if of_method), "")


def first_note(rows: pd.DataFrame) -> str:
    """Return the first note of ``rows``, empty if there is none."""
    return next((note for note in rows["note"] if note), "")


def check_alike(frame: pd.DataFrame, methods: Iterable[str], test_set: str, metrics: Metrics) -> None:
    """Check that the methods of a test set were measured on the same images, each metric on all of them.

    InputError names the method. Methods that failed are skipped, since they have no values.
    """
    basis: list[str] = []
    for method in methods:
        rows = of(frame, method, test_set)
        if not has_values(rows):
            continue
        names = images(rows)
        basis = basis or names
        if names != basis:
            raise InputError(f"{method} on {test_set} has other images than the other methods; measure it again")
        for name, metric in metrics.items():
            count = len(values(rows, name))
            if metric.level == "image" and count not in (0, len(names)):
                raise InputError(f"{metric.title} of {method} on {test_set} lacks images; measure it again")


def check_metric_names(names: Iterable[str], metrics: Metrics, source: Path) -> None:
    """Check that every one of ``names`` is a metric; InputError that begins with ``source``."""
    for name in names:
        check_name("metric", name, metrics, f"{source}: at metrics")
