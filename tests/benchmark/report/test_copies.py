"""Pieces of a copy: all of them together are the rendered table."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.report.copies import FORMS, copy_of
from benchmark.tables import render
from benchmark.tables.table import Cell, Column, Row, Table

COLUMNS = [Column("name", "Name"), Column("x", "X | 1 & 2", number=True), Column("y low")]
ROWS = [
    Row({"name": 'a, "b" | & c', "x": Cell("1", mark="best", interval=("0", "2")), "y low": "3"}),
    Row({"name": "[é <|>", "x": Cell(note="none & | nothing")}, published=True),
]
TABLE = Table("Table 1. Text", COLUMNS, [ROWS[:1], ROWS[1:]], "A caption | & more", notes=["A note."], remarks=["- r"])
RENDERED = {"Markdown": render.markdown, "LaTeX": render.latex, "CSV": render.csv_text}


@pytest.mark.parametrize("form", FORMS)
def test_the_pieces_are_the_rendered_table(form: str) -> None:
    copy: Any = copy_of(TABLE, form)
    lines = [line for line in copy["lines"] if not isinstance(line, str)]
    assert {len(line["cells"]) for line in lines} == {len(copy["columns"])}
    assert [line["row"] for line in lines if line["row"] is not None] == [0, 1]
    texts = [
        line if isinstance(line, str) else line["start"] + line["join"].join(line["cells"]) + line["end"]
        for line in copy["lines"]
    ]
    assert "\n".join(texts) == RENDERED[form](TABLE)
