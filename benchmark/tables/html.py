"""A table as a page of HTML that needs nothing beside it: no script, no style sheet, no network."""

from __future__ import annotations

from html import escape

STYLE = (
    "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:75em;padding:0 1em}"
    "table{border-collapse:collapse}th,td{padding:.25em .7em;text-align:right}"
    "thead{border-top:2px solid;border-bottom:1px solid}tbody{border-bottom:1px solid}"
    "td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.best{color:#c00;font-weight:bold}"
    ".second{color:#06c;text-decoration:underline}.published{color:#666;font-style:italic}"
    "small{color:#666;white-space:nowrap}caption{text-align:left;padding-bottom:.7em}"
)


def span(mark: str, text: str) -> str:
    """``text``, HTML already, marked best, second or published: by color, and by weight, line or slant."""
    return f'<span class="{mark}">{text}</span>'


def page(
    title: str, caption: str, head: list[str], groups: list[list[list[str]]], notes: list[str], remarks: list[str]
) -> str:
    """The page: ``groups`` are the table's bodies, as rows of cells that are HTML already; all else is plain text."""
    lines = ["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">']
    lines += [f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>", f"<h1>{escape(title)}</h1>"]
    lines += [f"<table><caption>{escape(caption)}</caption>", "<thead><tr>"]
    lines += [f'<th scope="col">{escape(cell)}</th>' for cell in head]
    lines.append("</tr></thead>")
    for rows in groups:
        lines.append("<tbody>")
        lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
        lines.append("</tbody>")
    lines.append("</table>")
    lines += [f"<p>{escape(note)}</p>" for note in notes]
    if remarks:
        lines += ["<ul>", *(f"<li>{escape(remark)}</li>" for remark in remarks), "</ul>"]
    return "\n".join([*lines, "</body></html>"]) + "\n"
