"""The one renderer of tables: CSV, Markdown, LaTeX and HTML of any Table, so that all forms say the same."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import escape as escape_html
from pathlib import Path

from benchmark.tables.table import Cell, Column, Table
from osediff.common.files import write_text

SIGNS = {"better": " ▲", "worse": " ▼", "": ""}
LEGEND = ("Best", "second best", "of what was measured on a test set.")
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
Wrap = Callable[[str], str]
Looks = dict[str, Wrap]  # how a property of a cell looks: best, second, published, note, interval


def write(table: Table, out: Path, forms: tuple[str, ...] = ("csv", "md", "tex", "html")) -> None:
    """Write ``table`` to ``out`` with each form's ending; nothing is written where one form fails."""
    makers = {"csv": csv_text, "md": markdown, "tex": latex, "html": html_page}
    contents = {form: makers[form](table) for form in forms}
    for form, text in contents.items():
        write_text(out.with_name(f"{out.name}.{form}"), text)


def csv_text(table: Table) -> str:
    """Render the columns that have a name, then low and high of those with intervals."""
    named = [index for index, column in enumerate(table.columns) if column.name]
    bounded = [index for index in named if table.columns[index].interval]
    head = [table.columns[index].name for index in named]
    head += [f"{table.columns[index].name} {bound}" for index in bounded for bound in ("low", "high")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for row in table.rows:
        bounds = [bound for index in bounded for bound in (row[index].interval or ("", ""))]
        writer.writerow([*(row[index].text for index in named), *bounds])
    return text.getvalue()


def shown(table: Table) -> tuple[list[Column], list[list[list[Cell]]]]:
    """Take the columns that have a title, and the cells of each group below them."""
    kept = [index for index, column in enumerate(table.columns) if column.title]
    columns = [table.columns[index] for index in kept]
    return columns, [[[row[index] for index in kept] for row in group] for group in table.groups]


def content(cell: Cell, escape: Wrap, looks: Looks) -> str:
    """Render one cell: its text as it is escaped and looks in one form, then spread, verdict and interval."""
    if not cell.text:
        return looks["published" if cell.published else "note"](escape(cell.note)) if cell.note else ""
    text = escape(cell.text + (f" ± {cell.spread}" if cell.spread else "") + SIGNS[cell.verdict])
    for name in filter(None, (cell.mark, "published" if cell.published else "")):
        text = looks[name](text)
    low, high = cell.interval or ("", "")
    return text + (looks["interval"](escape(f"[{low}, {high}]")) if low else "")


def has_marks(table: Table) -> bool:
    """Tell whether a cell is marked, so that the marks need their legend."""
    return any(cell.mark for row in table.rows for cell in row)


def plain_markdown(text: str) -> str:
    """Escape what Markdown would take for markup; code in backticks stays code."""
    text = " ".join(text.replace("\\", r"\\").replace("&", "&amp;").replace("<", "&lt;").split())
    return re.sub(r"(?<!\w)_|_(?!\w)|[|*~$]|\](?=\()|^#", lambda found: "\\" + found[0], text)


def markdown(table: Table, level: int = 1) -> str:
    """Render Markdown with a heading of ``level``: best bold, second best underlined, published in italics."""
    columns, groups = shown(table)
    looks: Looks = {"best": "**{}**".format, "second": "<u>{}</u>".format, "published": "*{}*".format}
    looks |= {"note": "{}".format, "interval": " {}".format}
    lines = [f"{'#' * level} {plain_markdown(table.title)}", ""]
    lines += [f"**{plain_markdown(table.banner)}**", ""] if table.banner else []
    lines += [plain_markdown(table.caption), ""] if table.caption else []
    if table.rows:
        lines.append("| " + " | ".join(plain_markdown(column.title) for column in columns) + " |")
        lines.append("|" + "|".join("--:" if column.number else "---" for column in columns) + "|")
    for row in (row for group in groups for row in group):
        lines.append("| " + " | ".join(content(cell, plain_markdown, looks) for cell in row) + " |")
    best, second, of = LEGEND
    legend = [f"**{best}** and <u>{second}</u> {of}"] if has_marks(table) else []
    lines += ["", *(f"{line}\n" for line in [*map(plain_markdown, table.notes), *legend])]
    lines += [f"- {plain_markdown(remark)}" for remark in table.remarks]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def plain_latex(text: str) -> str:
    """Escape LaTeX's special characters, and set the symbols of our tables in math mode."""
    return "".join(LATEX.get(character, character) for character in text)


def latex(table: Table) -> str:
    r"""Render a LaTeX float (booktabs): best red and second best blue as in the paper, published gray and slanted."""
    columns, groups = shown(table)
    looks: Looks = {"best": r"\best{{{}}}".format, "second": r"\second{{{}}}".format}
    looks |= {"published": r"\published{{{}}}".format, "note": "{}".format, "interval": r" {{\tiny {}}}".format}
    body = []
    for group in groups:
        body.append(r"\midrule")
        for row in group:
            line = " & ".join(content(cell, plain_latex, looks) for cell in row)
            # A bracket at the start of a row would be an argument of the line break before it.
            body.append(("{}" if line.startswith(("[", "*")) else "") + line + r" \\")
    best, second, of = LEGEND
    legend = [rf"\best{{{best}}} and \second{{{second}}} {of}"] if has_marks(table) else []
    title = re.sub(r"^Table \d+\W*", "", table.title)  # LaTeX numbers its tables itself
    caption = "\n".join(
        [
            *map(
                plain_latex,
                filter(
                    None,
                    [f"{title[:1].upper()}{title[1:]}." if title else "", table.caption, table.banner, *table.notes],
                ),
            ),
            *legend,
        ]
    )
    symbols = "amssymb," if any("blacktriangle" in line or "checkmark" in line for line in body) else ""
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
    ]
    if table.remarks:
        breakable = [plain_latex(remark).replace("/", r"/\allowbreak ") for remark in table.remarks]  # long addresses
        lines += [r"\par\medskip\begin{minipage}{\textwidth}\footnotesize\sloppy"]
        lines += [*(f"{remark}\\par" for remark in breakable), r"\end{minipage}"]
    return "\n".join([*lines, r"\end{table*}"]) + "\n"


def html(table: Table) -> str:
    """Render the table and what stands below it as a piece of HTML, to be put into a page; ``STYLE`` has its classes."""
    columns, groups = shown(table)
    looks: Looks = dict.fromkeys(("best", "second", "published", "note"), str)
    looks["interval"] = " <small>{}</small>".format
    lines = ["<table>", *([f"<caption>{escape_html(table.caption)}</caption>"] if table.caption else [])]
    lines.append("<thead><tr>")
    for column in columns:
        number = ' class="number"' if column.number else ""
        lines.append(f'<th scope="col"{number}>{escape_html(column.title)}</th>')
    lines.append("</tr></thead>")
    for group in groups:
        lines.append("<tbody>")
        for row in group:
            cells = []
            for column, cell in zip(columns, row, strict=True):
                names = ["number" if column.number else "", cell.mark, "published" if cell.published else ""]
                names.append("note" if cell.note and not cell.text else "")
                classes = f' class="{" ".join(filter(None, names))}"' if any(names) else ""
                cells.append(f"<td{classes}>{content(cell, escape_html, looks)}</td>")
            lines.append("<tr>" + "".join(cells) + "</tr>")
        lines.append("</tbody>")
    lines.append("</table>")
    best, second, of = LEGEND
    lines += [f"<p>{escape_html(note)}</p>" for note in filter(None, [table.banner, *table.notes])]
    if has_marks(table):
        lines.append(f'<p><span class="best">{best}</span> and <span class="second">{second}</span> {of}</p>')
    if table.remarks:
        lines += ["<ul>", *(f"<li>{escape_html(remark)}</li>" for remark in table.remarks), "</ul>"]
    return "\n".join(lines) + "\n"


def html_page(table: Table) -> str:
    """Render a page of HTML that needs nothing beside it: no script, no style sheet, no network."""
    title = escape_html(table.title)
    head = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n<title>{title}</title><style>{STYLE}</style>'
    )
    return f"{head}</head><body>\n<h1>{title}</h1>\n{html(table)}</body></html>\n"
