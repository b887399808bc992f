"""A table as an object: columns, groups of rows, cells. benchmark.tables.render makes CSV, Markdown, LaTeX and HTML of it.

A cell says what it is (best, published, a failure); how that looks is the renderer's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Mark = Literal["", "best", "second"]
Verdict = Literal["", "better", "worse"]


@dataclass(frozen=True)
class Cell:
    """One cell.

    ``text`` is the printed value, empty where there is none. ``interval`` is its 95 % interval and ``spread`` its
    standard deviation, both printed. ``note`` stands in place of a value that is missing, in all forms but the CSV.
    """

    text: str = ""
    mark: Mark = ""
    published: bool = False
    interval: tuple[str, str] | None = None
    spread: str = ""
    verdict: Verdict = ""
    note: str = ""


@dataclass(frozen=True)
class Column:
    """One column: its heading in the CSV and in the other forms. A column without a heading is left out of that form.

    ``interval``: the CSV gets two more columns at its end, ``<name> low`` and ``<name> high``.
    """

    name: str = ""
    title: str = ""
    number: bool = False
    interval: bool = False


Row = list[Cell]


@dataclass(frozen=True)
class Table:
    """A table: ``groups`` are runs of rows with a line between them, and every row has a cell for each column.

    ``banner`` says what kind of numbers these are, ``notes`` are sentences below the table, ``remarks`` a list below those.
    """

    title: str
    columns: list[Column]
    groups: list[list[Row]]
    caption: str = ""
    banner: str = ""
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse a row that has not one cell per column, which is a mistake of the caller."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: a row has {len(row)} cells for {len(self.columns)} columns")

    @property
    def rows(self) -> list[Row]:
        """All rows, in order."""
        return [row for group in self.groups for row in group]


def texts(*values: object, published: bool = False) -> Row:
    """Make a row of cells of plain values; None is an empty cell."""
    return [Cell("" if value is None else str(value), published=published) for value in values]


def marks(values: list[str], higher_is_better: bool) -> list[Mark]:
    """Find ``best`` and ``second`` among printed values (empty: none); equal values share a mark, a single one has none."""
    measured = [float(value) for value in values if value]
    ranked = sorted(set(measured), reverse=higher_is_better) if len(measured) > 1 else []
    names: dict[float, Mark] = dict(zip(ranked, ("best", "second"), strict=False))
    return [names.get(float(value), "") if value else "" for value in values]
