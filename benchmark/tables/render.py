"""The one renderer of tables: CSV, Markdown, LaTeX and HTML of any Table, so that all forms say the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape as escape_html
from pathlib import Path

import pandas as pd

from benchmark.tables.table import Cell, Column, Table
from osediff.common.files import write_text

SIGNS = {"better": " ▲", "worse": " ▼", "": ""}
STYLE = (
    "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:75em;padding:0 1em}"
    "table{border-collapse:collapse}th,td{padding:.25em .7em;text-align:left}.number{text-align:right}"
    "thead{border-top:2px solid;border-bottom:1px solid}tbody{border-bottom:1px solid}"
    ".best{color:#c00;font-weight:bold}.second{color:#06c;text-decoration:underline}"
    ".published,.note{color:#666;font-style:italic}"
    "small{color:#666;white-space:nowrap}caption{text-align:left;padding-bottom:.7em}"
)
LATEX = {
    **{character: "\\" + character for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≈": r"$\approx$",
    "–": "--",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
    "✓": r"$\checkmark$",
    "✗": r"$\times$",
    "·": r"$\cdot$",
}


@dataclass(frozen=True)
class Form:
    """How a form escapes text, and a template of how it shows each property of a cell."""

    escape: Callable[[str], str]
    best: str = "{}"
    second: str = "{}"
    published: str = "{}"
    interval: str = " {}"

    def content(self, cell: Cell, is_published: bool) -> str:
        """Render a cell: text with spread and verdict, as its properties look, then its interval."""
        text = (
            cell.text + (f" ± {cell.spread}" if cell.spread else "") + SIGNS[cell.verdict] if cell.text else cell.note
        )
        text = self.escape(text)
        if text and cell.mark:
            text = getattr(self, cell.mark).format(text)
        if text and is_published:
            text = self.published.format(text)
        return text + (self.interval.format(self.escape("[{}, {}]".format(*cell.interval))) if cell.interval else "")

    def legend(self, table: Table) -> list[str]:
        """Explain the marks of cells; nothing if there are no marks."""
        marked = any(row.cell(column.key).mark for row in table.rows for column in table.columns)
        marks = f"{self.best.format('Best')} and {self.second.format('second best')}"
        return [f"{marks} of what was measured on a test set."] if marked else []


def write(table: Table, out: Path, forms: tuple[str, ...] = ("csv", "md", "tex", "html")) -> None:
    """Write ``table`` to ``out`` with the ending of each form; nothing is written if one form fails."""
    makers = {"csv": csv_text, "md": markdown, "tex": latex, "html": html_page}
    contents = {form: makers[form](table) for form in forms}
    for form, text in contents.items():
        write_text(out.with_name(f"{out.name}.{form}"), text)


def csv_text(table: Table) -> str:
    """Render CSV: its columns under their keys, with the texts of the cells alone."""
    keys = [column.key for column in table.columns if column.csv]
    texts = [[row.cell(key).text for key in keys] for row in table.rows]
    return str(pd.DataFrame(texts, columns=keys).to_csv(index=False, lineterminator="\n"))


def visible_cells(table: Table) -> tuple[list[Column], list[list[list[tuple[Cell, bool]]]]]:
    """Return the columns with a title, and by group and row their cells, each with a flag for published cells."""
    columns = [column for column in table.columns if column.title]
    groups = [
        [
            [
                (Cell(), False)
                if column.group and index
                else (row.cell(column.key), row.published and not column.group)
                for column in columns
            ]
            for index, row in enumerate(group)
        ]
        for group in table.groups
    ]
    return columns, groups


def plain_markdown(text: str) -> str:
    """Escape characters that are markup in Markdown; code in backticks stays code."""
    text = " ".join(text.replace("\\", r"\\").replace("&", "&amp;").replace("<", "&lt;").split())
    text = re.sub(r"^(\d+)(?=[.)]\s)", r"\1\\", text)  # it begins no list, and below no heading, list or address
    beginning = r"^[#>]|^[-+](?=[\s-])|^\[(?=.*\]:)"
    return re.sub(rf"(?<![^\W_])_|_(?![^\W_])|[|*~$]|\](?=\()|{beginning}", lambda match: "\\" + match[0], text)


def markdown(table: Table, level: int = 1) -> str:
    """Render Markdown with a heading of ``level``: best bold, second best underlined, published in italics."""
    form = Form(plain_markdown, "**{}**", "<u>{}</u>", "*{}*")
    columns, groups = visible_cells(table)
    paragraphs = [f"{'#' * level} {plain_markdown(table.title)}"]
    paragraphs += [f"**{plain_markdown(table.banner)}**"] if table.banner else []
    paragraphs += [plain_markdown(table.caption)] if table.caption else []
    if table.rows:
        lines = [[plain_markdown(column.title) for column in columns]]
        lines += [[form.content(*cell) for cell in row] for group in groups for row in group]
        rendered = ["| " + " | ".join(line) + " |" for line in lines]
        rendered.insert(1, "|" + "|".join("--:" if column.number else "---" for column in columns) + "|")
        paragraphs.append("\n".join(rendered))
    paragraphs += [*map(plain_markdown, table.notes), *form.legend(table)]
    paragraphs.append("\n".join(f"- {plain_markdown(remark)}" for remark in table.remarks))
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def plain_latex(text: str) -> str:
    """Escape LaTeX's special characters, set the symbols of our tables in math mode, and break no line."""
    return "".join(LATEX.get(character, character) for character in re.sub(r"\s*[\r\n]\s*", " ", text))


def latex(table: Table) -> str:
    r"""Render a LaTeX float (booktabs): best red and second best blue as in the paper, published gray and slanted."""
    form = Form(plain_latex, r"\best{{{}}}", r"\second{{{}}}", r"\published{{{}}}", r" {{\tiny {}}}")
    columns, groups = visible_cells(table)
    body = []
    for group in groups:
        body.append(r"\midrule")
        for row in group:
            line = " & ".join(form.content(*cell) for cell in row)
            # A bracket at the start of a row would be an argument of the line break before it.
            body.append(("{}" if line.startswith(("[", "*")) else "") + line + r" \\")
    title = re.sub(r"^Table \d+\W*", "", table.title)  # LaTeX numbers its tables itself
    title = f"{title[:1].upper()}{title[1:]}." if title else ""
    sentences = [*map(plain_latex, (title, table.caption, table.banner, *table.notes)), *form.legend(table)]
    caption = "\n".join(filter(None, sentences))
    symbols = "amssymb," if any("blacktriangle" in line or "checkmark" in line for line in body) else ""
    remarks = [
        plain_latex(remark).replace("/", r"/\allowbreak ") + r"\par" for remark in table.remarks
    ]  # long addresses
    if remarks:
        start = r"\par\medskip\begin{minipage}{\textwidth}\footnotesize\sloppy"
        remarks = [start, *remarks, r"\end{minipage}"]
    lines = [
        rf"% needs \usepackage{{{symbols}booktabs,xcolor}}",
        r"\providecommand{\best}[1]{\textcolor{red}{#1}}",
        r"\providecommand{\second}[1]{\textcolor{blue}{#1}}",
        r"\providecommand{\published}[1]{\textcolor{gray}{\textit{#1}}}",
        r"\begin{table*}",
        r"\centering\small",
        rf"\caption{{{caption}}}\medskip",
        r"\begin{tabular}{" + "".join("r" if column.number else "l" for column in columns) + "}",
        r"\toprule",
        " & ".join(plain_latex(column.title) for column in columns) + r" \\",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *remarks,
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def html(table: Table) -> str:
    """Render the table and its notes as a part of an HTML page; ``STYLE`` has its classes."""
    form = Form(escape_html, interval=" <small>{}</small>")
    columns, groups = visible_cells(table)
    lines = ["<table>", *([f"<caption>{escape_html(table.caption)}</caption>"] if table.caption else [])]
    lines.append("<thead><tr>")
    for column in columns:
        number = ' class="number"' if column.number else ""
        lines.append(f'<th scope="col"{number}>{escape_html(column.title)}</th>')
    lines.append("</tr></thead>")
    for group in groups:
        lines.append("<tbody>")
        for row in group:
            cells = ""
            for column, (cell, is_published) in zip(columns, row, strict=True):
                names = ["number" if column.number else "", cell.mark, "published" if is_published else ""]
                names.append("note" if cell.note and not cell.text else "")
                classes = f' class="{" ".join(filter(None, names))}"' if any(names) else ""
                cells += f"<td{classes}>{form.content(cell, is_published)}</td>"
            lines.append(f"<tr>{cells}</tr>")
        lines.append("</tbody>")
    lines.append("</table>")
    if not columns:  # only sentences
        lines = []
    legend = Form(str, '<span class="best">{}</span>', '<span class="second">{}</span>').legend(table)
    sentences = [*map(escape_html, filter(None, [table.banner, *table.notes])), *legend]
    lines += [f"<p>{sentence}</p>" for sentence in sentences]
    if table.remarks:
        lines += ["<ul>", *(f"<li>{escape_html(remark)}</li>" for remark in table.remarks), "</ul>"]
    return "\n".join(lines) + "\n"


def html_page(table: Table, *more: Table) -> str:
    """Render a complete HTML page that needs no script, no style sheet and no network.

    ``more`` are further tables below the first one, each under its title.
    """
    title = escape_html(table.title)
    body = f"<h1>{title}</h1>\n{html(table)}"
    body += "".join(f"<h2>{escape_html(other.title)}</h2>\n{html(other)}" for other in more)
    head = f'<meta charset="utf-8">\n<title>{title}</title><style>{STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}</body></html>\n'
