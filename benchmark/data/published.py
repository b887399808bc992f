"""Published numbers, as data that is separate from measured numbers.

A CSV file per source, in config/published/, and in onestep/ below it for one-step methods since OSEDiff: table, method,
steps, test_set, metric, value, source, protocol, tolerance. ``steps`` is empty if the table prints none.
``tolerance`` is how far a measurement by the same protocol may be from the value: half a unit of its last digit. Two
metrics need more in osediff.csv. NIQE 0.001: it rounds luma to integers, and images have pixels that lie exactly
halfway, which machines round differently. MANIQA 0.001: its 20 random crops per image, in another protocol than ours,
move an average of 100 images by 0.0005 (standard deviation).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from benchmark.evaluation.results import Metrics, number, read_csv
from osediff.common.errors import InputError
from osediff.common.validation import suggestion

COLUMNS = ("table", "method", "steps", "test_set", "metric", "value", "source", "protocol", "tolerance")
# What papers print beside the metrics of config/metrics.yaml: columns of complexity tables and of Table 4, and votes.
COMPLEXITY = ("steps", "seconds", "gmacs", "mparams", "mparams-trainable", "peak-mb", "extraction-seconds", "votes")
# Metrics that papers print and this suite does not measure: topiq and clipiqa+ are of no said variant, vq-r1 is
# VisualQuality-R1.
ELSEWHERE = ("topiq", "clipiqa+", "vq-r1")


def load(paths: Iterable[Path], metrics: Metrics) -> pd.DataFrame:
    """Load files of published values into one frame with ``COLUMNS`` and ``printed``, in the order of the files.

    ``printed`` is the text of the value, whose digits the paper chose; ``value`` and ``tolerance`` are numbers and
    ``steps`` is a text, empty if none is printed. InputError, with file, line and column, where a cell is empty or
    wrong, the metric does not exist, the value is impossible for it, or a value is given twice in one file.
    """
    rows = []
    for path in paths:
        seen: set[tuple[str, ...]] = set()
        for where, cells in read_csv(path, COLUMNS, "a file of published values (benchmark/data/published.py)"):
            row = dict(zip(COLUMNS, cells, strict=True))
            value, tolerance = check_row(row, metrics, where)
            key = (row["table"], row["method"], row["steps"], row["test_set"], row["metric"])
            if key in seen:
                raise InputError(f"{where}, column value: gives {' '.join(filter(None, key))} a second time")
            seen.add(key)
            rows.append({**row, "printed": row["value"], "value": value, "tolerance": tolerance})
    return pd.DataFrame(rows, columns=[*COLUMNS, "printed"])


def check_row(row: dict[str, str], metrics: Metrics, where: str) -> tuple[float, float]:
    """Check one row and return value and tolerance; InputError that begins with ``where``."""
    for column, cell in row.items():
        if not cell and column != "steps":
            raise InputError(f"{where}, column {column}: is empty")
    if row["steps"] and not row["steps"].isdecimal():
        raise InputError(f"{where}, column steps: {row['steps']!r} is not a whole number")
    name = row["metric"]
    known = [*metrics, *COMPLEXITY, *ELSEWHERE]
    if name not in known:
        raise InputError(f"{where}, column metric: no metric {name!r}, {suggestion(name, known)}")
    value, tolerance = number(row["value"], where, "value"), number(row["tolerance"], where, "tolerance")
    if tolerance <= 0:
        raise InputError(f"{where}, column tolerance: must be above 0")
    if name in metrics and not metrics[name].is_possible(value):
        raise InputError(f"{where}, column value: {row['value']} is impossible for {metrics[name].title}")
    return value, tolerance
