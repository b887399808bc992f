"""The renderer: all forms say the same, whatever characters a cell has, and the page stands alone."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmark.tables import render
from benchmark.tables.table import Cell, Column, Row, Table

ODD = r"a|b <i> & 50% _x_ #1 ${y} ~^\ *z*"
COLUMNS = [Column("id"), Column("name", "Name"), Column("value", "Value↑", number=True), Column("value low")]


def make_table() -> Table:
    """Make a table with all kinds of cells and rows."""
    best = Cell("2.50", mark="best", interval=("2.00", "3.00"))
    second = Cell("1.50", mark="second", spread="0.10", verdict="worse")
    rows = [Row({"id": "a", "name": ODD, "value": best, "value low": "2.00"})]
    rows.append(Row({"id": "b", "name": "B", "value": second, "of no column": 1}))
    rows.append(Row({"id": "c", "name": "C", "value": 9.99}, published=True))
    rows.append(Row({"id": "d", "name": "D", "value": Cell(note="did not converge")}))
    return Table("Title <1>", COLUMNS, [rows], "Caption.", "Banner.", ["A note."], ["See /x_y"])


def test_csv_has_the_texts_of_its_columns_alone() -> None:
    table = make_table()
    rows = list(csv.reader(render.csv_text(table).splitlines()))
    assert rows[0] == ["id", "name", "value", "value low"]
    assert rows[1] == ["a", ODD, "2.50", "2.00"]
    assert [row[2:] for row in rows[2:]] == [["1.50", ""], ["9.99", ""], ["", ""]]


def test_markdown() -> None:
    table = make_table()
    text = render.markdown(table, level=2)
    assert text.startswith("## Title &lt;1>\n\n**Banner.**\n\nCaption.\n\n| Name | Value↑ |\n|---|--:|\n")
    assert r"| a\|b &lt;i> &amp; 50% \_x\_ #1 \${y} \~^\\ \*z\* | **2.50** [2.00, 3.00] |" in text
    assert "| B | <u>1.50 ± 0.10 ▼</u> |\n| *C* | *9.99* |\n| D | did not converge |\n" in text
    assert "A note.\n\n**Best** and <u>second best</u>" in text and text.endswith("- See /x_y\n")


def test_latex() -> None:
    table = make_table()
    text = render.latex(table)
    row = r"a\textbar{}b $<$i$>$ \& 50\% \_x\_ \#1 \$\{y\} \textasciitilde{}\textasciicircum{}\textbackslash{} *z*"
    assert row + r" & \best{2.50} {\tiny [2.00, 3.00]} \\" in text
    assert r"B & \second{1.50 $\pm$ 0.10 $\blacktriangledown$} \\" in text
    assert r"\published{C} & \published{9.99} \\" in text and r"See /\allowbreak x\_y\par" in text
    assert r"\usepackage{amssymb,booktabs,xcolor}" in text and r"\begin{tabular}{lr}" in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def test_a_latex_row_that_begins_with_a_bracket_is_no_option_of_the_line_before() -> None:
    text = render.latex(Table("T", [Column("x", "x")], [[Row({"x": "a"}), Row({"x": "[b]"})]]))
    assert "a \\\\\n{}[b] \\\\" in text


def test_html_says_the_same_and_needs_nothing() -> None:
    table = make_table()
    text = render.html_page(table)
    root = ElementTree.fromstring(text.split("\n", 1)[1].replace('<meta charset="utf-8">', ""))
    assert root.findtext("body/h1") == "Title <1>" and root.findtext(".//caption") == "Caption."
    rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    assert rows[1:] == [[ODD, "2.50 [2.00, 3.00]"], ["B", "1.50 ± 0.10 ▼"], ["C", "9.99"], ["D", "did not converge"]]
    classes = [cell.get("class") for cell in root.iter("td")]
    assert classes[1::2] == ["number best", "number second", "number published", "number note"]
    assert "<script" not in text and "href" not in text and "src" not in text
    assert render.html(table) in text, "a page of several tables takes the piece"


def test_the_name_of_a_group_stands_on_its_first_row_and_is_nobodys_number() -> None:
    columns = [Column("set", "Set", csv=False, group=True), Column("x", "X")]
    groups = [[Row({"set": name, "x": 1}, published=True), Row({"set": name, "x": 2})] for name in ("one", "two")]
    text = render.markdown(Table("T", columns, groups))
    assert "| one | *1* |\n|  | 2 |\n| two | *1* |\n|  | 2 |\n" in text
    assert render.csv_text(Table("T", columns, groups)) == "x\n1\n2\n1\n2\n"


def test_nothing_is_written_where_a_form_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> str:
        raise RuntimeError(text)

    monkeypatch.setattr(render, "plain_latex", fail)
    with pytest.raises(RuntimeError):
        render.write(make_table(), tmp_path / "t")
    assert not list(tmp_path.iterdir())
