"""Published numbers: what somebody printed, kept as data apart from anything measured.

A CSV file per source (config/published/): table, method, steps, test_set, metric, value, source, protocol, tolerance.
``steps`` is empty where the table prints none. ``tolerance`` is how far a measurement by the same protocol may be from
the value: half a unit of its last digit. Two metrics need more in osediff.csv. NIQE 0.001: it rounds luma to integers,
and images have pixels that lie exactly halfway, which machines round differently. MANIQA 0.001: its 20 random crops
per image, in another protocol than ours, move an average of 100 images by 0.0005 (standard deviation).
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from osediff.common.errors import InputError

COLUMNS = ("table", "method", "steps", "test_set", "metric", "value", "source", "protocol", "tolerance")


@dataclass(frozen=True)
class Published:
    """One published value; ``printed`` is its text, whose digits the paper chose."""

    table: str
    method: str
    steps: int | None
    test_set: str
    metric: str
    printed: str
    source: str
    protocol: str
    tolerance: float

    @property
    def value(self) -> float:
        """The printed value as a number, in the metric's unit."""
        return float(self.printed)


def load(path: Path) -> list[Published]:
    """All published values of ``path``, in its order; InputError naming the line that is wrong."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise InputError(f"published numbers {path} cannot be read: {error.strerror}") from error
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InputError(f"{path} must begin with the columns {','.join(COLUMNS)}")
    values: list[Published] = []
    seen: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows[1:], start=2):
        where = f"{path} line {number}"
        if len(row) != len(COLUMNS):
            raise InputError(f"{where} has {len(row)} fields, not {len(COLUMNS)}")
        table, method, steps, test_set, metric, printed, source, protocol, tolerance = row
        empty = [column for column, field in zip(COLUMNS, row, strict=True) if not field and column != "steps"]
        if empty:
            raise InputError(f"{where}: {', '.join(empty)} is empty")
        try:
            value = Published(
                table=table,
                method=method,
                steps=int(steps) if steps else None,
                test_set=test_set,
                metric=metric,
                printed=printed,
                source=source,
                protocol=protocol,
                tolerance=float(tolerance),
            )
            finite = math.isfinite(value.value) and math.isfinite(value.tolerance) and value.tolerance > 0
        except ValueError as error:
            raise InputError(f"{where}: {error}") from error
        if not finite:
            raise InputError(f"{where}: value and tolerance must be finite, and the tolerance above 0")
        key = (table, method, test_set, metric)
        if key in seen:
            raise InputError(f"{where} gives {' '.join(key)} a second time")
        seen.add(key)
        values.append(value)
    return values
