"""A table as a LaTeX float: booktabs, best red and second best blue as in the paper."""

from __future__ import annotations

PREAMBLE = [
    r"% needs \usepackage{booktabs,xcolor}",
    r"\providecommand{\best}[1]{\textcolor{red}{#1}}",
    r"\providecommand{\second}[1]{\textcolor{blue}{#1}}",
    r"\providecommand{\published}[1]{\textcolor{gray}{\textit{#1}}}",
]
SYMBOLS = {
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "±": r"$\pm$",
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
}


def escaped(text: str) -> str:
    """``text`` with LaTeX's special characters made printable."""
    for plain, coded in [("\\", r"\textbackslash "), ("~", r"\textasciitilde "), ("^", r"\textasciicircum ")]:
        text = text.replace(plain, coded)
    text = "".join("\\" + character if character in "&%$#_{}" else character for character in text)
    for plain, coded in SYMBOLS.items():
        text = text.replace(plain, coded)
    return text


def page(caption: str, head: list[str], texts: int, groups: list[list[list[str]]], remarks: list[str]) -> str:
    r"""The float: ``caption`` and the cells of ``groups`` (the table's bodies) are LaTeX already, all else plain text.

    The first ``texts`` columns are set to the left. ``\blacktriangle`` needs amssymb.
    """
    lines = list(PREAMBLE)
    if any("blacktriangle" in cell for rows in groups for row in rows for cell in row):
        lines[0] = r"% needs \usepackage{amssymb,booktabs,xcolor}"
    lines += [r"\begin{table*}", r"\centering\small", rf"\caption{{{caption}}}\medskip"]
    lines += [r"\begin{tabular}{" + "l" * texts + "r" * (len(head) - texts) + "}", r"\toprule"]
    lines.append(" & ".join(escaped(cell) for cell in head) + r" \\")
    for rows in groups:
        lines.append(r"\midrule")
        lines += [" & ".join(row) + r" \\" for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if remarks:
        lines += [r"\par\medskip\begin{minipage}{\textwidth}\footnotesize\sloppy"]
        lines += [escaped(remark).replace("/", r"/\allowbreak ") + r"\par" for remark in remarks]  # long addresses
        lines += [r"\end{minipage}"]
    return "\n".join([*lines, r"\end{table*}"]) + "\n"
