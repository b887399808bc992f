"""A table as an object: columns, groups of rows, cells.

benchmark.tables.render makes CSV, Markdown, LaTeX and HTML of it. A cell has properties (best, uncertain, failed), and
the renderer decides how they look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Mark = Literal["", "best", "second"]
Verdict = Literal["", "better", "worse"]


@dataclass(frozen=True)
class Cell:
    """One cell.

    ``text`` is the printed value, empty if there is none. ``interval`` is its 95 % interval and ``spread`` its
    standard deviation, both printed. ``note`` stands in place of a value that is missing, in all forms but the CSV.
    """

    text: str = ""
    mark: Mark = ""
    interval: tuple[str, str] | None = None
    spread: str = ""
    verdict: Verdict = ""
    note: str = ""


Value = Cell | str | int | float | None


@dataclass(frozen=True)
class Column:
    """One column.

    ``key`` is its name in rows, and its heading in the CSV unless ``csv`` is false. ``title`` is its heading in the
    other forms, which leave out a column without a title. A column with ``group`` shows its value only on the first row
    of a group.
    """

    key: str
    title: str = ""
    number: bool = False
    csv: bool = True
    group: bool = False


@dataclass(frozen=True)
class Row:
    """One row: cells, or plain values, by the keys of columns. It may lack some keys, and have keys of no column."""

    values: dict[str, Value]
    published: bool = False

    def cell(self, key: str) -> Cell:
        """Return the cell of a column; an empty cell if the row has none."""
        value = self.values.get(key)
        return value if isinstance(value, Cell) else Cell("" if value is None else str(value))


@dataclass(frozen=True)
class Table:
    """A table: ``groups`` are runs of rows with a line between them.

    ``banner`` describes the kind of numbers, ``notes`` are sentences below the table, and ``remarks`` are a list below
    the notes.
    """

    title: str
    columns: list[Column]
    groups: list[list[Row]]
    caption: str = ""
    banner: str = ""
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """All rows, in order."""
        return [row for group in self.groups for row in group]


def plain_rows(columns: list[Column], lines: list[tuple[Value, ...]]) -> list[Row]:
    """Make rows of lines that have one value for each column."""
    return [Row(dict(zip((column.key for column in columns), line, strict=True))) for line in lines]


def marks(values: list[str], higher_is_better: bool) -> list[Mark]:
    """Return the marks of printed values: ``best``, ``second`` or none.

    Equal values have the same mark. A single value and an empty value have none.
    """
    measured = [float(value) for value in values if value]
    ranked = sorted(set(measured), reverse=higher_is_better) if len(measured) > 1 else []
    names: dict[float, Mark] = dict(zip(ranked, ("best", "second"), strict=False))
    return [names.get(float(value), "") if value else "" for value in values]
