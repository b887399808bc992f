"""Titles, names and notes with markup in them: every writer of tables, figures and pages shows them as they are."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmark.figures import curves, efficiency, efficiency_bars, radar, style
from benchmark.figures.costs import Cost
from benchmark.figures.grid import Block, Cell, compose
from benchmark.report import copies, page
from benchmark.statistics.pairwise import matrix
from benchmark.tables import render
from benchmark.tables.specs import CurvesSpec
from benchmark.tables.table import Column, Row, Table
from tests.benchmark.rows import METRICS, spec_of

HOSTILE = (
    "a=b|c",
    "<b>bold</b><script>alert(1)</script>",
    "$\\unknown{$ and $x_1$",
    "_x_ and __y__",
    "50% & #1 ~^{}",
    "&lt;b&amp;",
    "two\n\nlines",
    "`tick",
    "![a](b) [c](d)",
    "[e]: http://f",
    "*z* **y**",
    "- item",
    "+ item",
    "1. item",
    "2) item",
    "> quote",
    "# head",
    "\\begin{x}\\",
    "\\",
    "{braces}",
    "</td></table>",
    "</title>",
    "-->",
    "'\"",
    "é 字",
)


def one_line(text: str) -> str:
    return " ".join(text.split())


def table_of(text: str) -> Table:
    """A table that has ``text`` in every place."""
    columns = [Column("method", text), Column("value", "Value", number=True)]
    rows = [Row({"method": text, "value": "1.00"}), Row({"method": text, "value": "2.00"}, published=True)]
    return Table(f"T {text}", columns, [rows], text, text, [text], [text])


def shown(token: Token) -> str:
    """The text of an inline token as a reader sees it; code keeps its backticks."""
    return "".join(
        child.content if child.type == "text" else f"`{child.content}`"
        for child in token.children or ()
        if child.content
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    tokens = MarkdownIt().enable("table").parse(render.markdown(table_of(text)))
    texts = [shown(token) for token in tokens if token.type == "inline"]
    said = one_line(text)
    assert texts == [f"T {said}", said, said, said, "Value", said, "1.00", said, "2.00", said, said]
    kinds = {token.type for token in tokens} - {"inline"}
    assert not kinds & {"html_block", "blockquote_open", "ordered_list_open", "fence", "hr"}


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_a_text_as_it_is(text: str) -> None:
    source = render.html_page(table_of(text), table_of(text))
    root = ElementTree.fromstring(source.split("\n", 1)[1].replace('<meta charset="utf-8">', ""))
    assert [root.findtext(f".//{name}") for name in ("title", "h1", "caption", "th", "li")] == [
        f"T {text}", f"T {text}", text, text, text,
    ]  # fmt: skip
    assert {element.tag for element in root.iter()}.isdisjoint({"b", "script"})


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_has_no_command_of_a_text(text: str) -> None:
    source, plain = render.latex(table_of(text)), render.latex(table_of("plain"))
    assert len(source.splitlines()) == len(plain.splitlines()), "an empty line would end a caption"
    escaped = render.plain_latex(text)
    for command in (*(name for name in render.LATEX.values() if name[0] == "\\"), "$<$", "$>$"):
        escaped = escaped.replace(command, "")
    assert not set(escaped) & set("\\&%$#_{}~^")


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_and_copies_have_the_text_itself(text: str) -> None:
    table = table_of(text)
    assert next(csv.DictReader(io.StringIO(render.csv_text(table), newline="")))["method"] == text
    for form in copies.FORMS:
        content = copies.copy_of(table, form)
        assert isinstance(content, dict)
        lines = [line for line in content["lines"] if isinstance(line, dict)]
        assert {len(line["cells"]) for line in lines} == {2}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_matrix_of_methods_has_the_text_at_both_sides(text: str) -> None:
    table = matrix("PSNR", [text, "other"], [], METRICS["psnr"])
    assert [column.title for column in table.columns][1:] == [text, "other"]
    assert [row.cell("method").text for row in table.rows] == [text, "other"]


def figures(text: str, folder: Path) -> dict[str, Figure]:
    """Each figure with ``text`` in its title and as the name of a method."""
    axes = [radar.Axis(f"{text}{number}", True, ["1", "2"]) for number in range(3)]
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps({"step": step, "mse": 1.0 / step}) + "\n" for step in (1, 2, 3)))
    rows = {"default": [str(log)], text: [str(log)]}
    cost = Cost(text, "published", text, 50, 4.3, 65857, 2524, 749.9)
    mark = efficiency.Mark(cost, 50.0, 749.9)
    form = efficiency.Form(text, text, text)
    return {
        "radar": radar.draw([text, "other"], axes, text, text),
        "curves": curves.draw(spec_of({"preset": "demo", "title": text, "default": text, "rows": rows}, CurvesSpec)),
        "efficiency": efficiency.draw([mark], [text], form),
        "bars": efficiency_bars.draw([cost]),
    }


@pytest.mark.parametrize("text", ["$\\unknown{$ and $x_1$", "_x <b>&", "two\n\nlines --> {braces}"])
def test_figures_show_a_text_as_it_is(text: str, tmp_path: Path) -> None:
    for name, figure in figures(text, tmp_path).items():
        style.save(figure, tmp_path / name)
        ElementTree.parse(tmp_path / f"{name}.svg")
        assert any(one_line(text) in one_line(label.get_text()) for label in figure.findobj(Text))
        if name in ("radar", "curves"):
            assert one_line(text) in [one_line(label.get_text()) for label in figure.legends[0].get_texts()]


@pytest.mark.parametrize("text", HOSTILE)
def test_pictures_are_drawn_with_any_text(text: str) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    block = Block(pixels, (0.0, 0.0, 0.5, 0.5), text, [Cell(pixels, text, text)] * 2, [(text, text)])
    assert (compose(text, [text], [block]) != 255).any()


@pytest.mark.parametrize("text", HOSTILE)
def test_notes_of_the_page_are_escaped(text: str) -> None:
    shown_text = ElementTree.fromstring(f"<p>{page.with_code(text)}</p>")
    assert "".join(shown_text.itertext()).replace("`", "") == text.replace("`", "")
    assert {element.tag for element in shown_text.iter()} <= {"p", "code"}
