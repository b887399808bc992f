"""The texts as which a table of the page is copied, in pieces: the page leaves out what it does not show."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

from benchmark.tables import render
from benchmark.tables.table import Table
from osediff.common.files import JSON

FORMS = ("Markdown", "LaTeX", "CSV")


def copy_of(table: Table, form: str) -> JSON:
    """Return the text of a table in one of ``FORMS``: the headings of its columns, and its lines.

    A line is a text, or an object: ``start``, ``cells`` (one for each column) that ``join`` stands between, ``end``,
    and ``row``, the number of the table's row that it shows (null for a heading).
    """
    table = replace(table, columns=[replace(column, group=False) for column in table.columns])  # any row can be first
    titles = [column.title for column in table.columns if column.title]
    if form == "CSV":  # the ends of an interval are columns of its metric
        keys = [column.key for column in table.columns if column.csv]
        owners: list[JSON] = [key.removesuffix(" low").removesuffix(" high") for key in keys]
        return {"columns": owners, "lines": list(csv_lines(table))}
    return {"columns": [*titles], "lines": list(markdown_lines(table) if form == "Markdown" else latex_lines(table))}


def line(start: str, cells: list[str], join: str, end: str, row: int | None) -> JSON:
    """Make a line of cells."""
    return {"start": start, "cells": [*cells], "join": join, "end": end, "row": row}


def csv_lines(table: Table) -> Iterator[JSON]:
    """Yield the lines of the CSV."""
    for number, cells in enumerate(csv.reader(io.StringIO(render.csv_text(table)))):
        quoted = ['"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n') else cell for cell in cells]
        yield line("", quoted, ",", "", number - 1 if number else None)
    yield ""


def markdown_lines(table: Table) -> Iterator[JSON]:
    """Yield the lines of the Markdown: heading, ruler and rows begin with a bar, and no other line does."""
    number = -2
    for text in render.markdown(table).split("\n"):
        if not text.startswith("|"):
            yield text
            continue
        if number == -1:
            yield line("|", text[1:-1].split("|"), "|", "|", None)
        else:
            yield line("| ", text[2:-2].split(" | "), " | ", " |", number if number >= 0 else None)
        number += 1


def latex_lines(table: Table) -> Iterator[JSON]:
    """Yield the lines of the LaTeX: heading and rows are between the first and the last rule."""
    start, end, number = r"\begin{tabular}{", r" \\", -1
    for text in render.latex(table).split("\n"):
        if text.startswith(start):
            yield line(start, [*text[len(start) : -1]], "", "}", None)
        elif text.endswith(end):
            yield line("", text[: -len(end)].split(" & "), " & ", end, number if number >= 0 else None)
            number += 1
        else:
            yield text
