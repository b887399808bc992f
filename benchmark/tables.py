"""Tables of averages over per-image rows: CSV, Markdown, LaTeX and HTML, which say the same.

    python -m benchmark.tables --spec JSON --registry config/metrics.yaml --rows FILE.csv ... --out results/table1

``--rows`` are files of benchmark.evaluate. The specification is the slice of the configuration that a table depends on:

    {"scale": "demo", "title": "Table 1", "caption": "...", "metrics": ["psnr", ...],
     "methods": {id: {"title": "OSEDiff", "steps": 1}, ...}, "test_sets": {id: {"title": "DrealSR"}, ...}}

Columns of the CSV, always in this order: scale, test_set (id), method (title), steps, images, protocol, then one per
metric, its title with ↑ (higher is better) or ↓. Values have the decimals that the paper prints. An empty cell was not
measured, and the other forms say below the table why. Best and second best (of two methods or more) are found
among the printed values, so that equal prints are marked alike.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from benchmark import html, latex, metrics
from benchmark.evaluate import COLUMNS
from contracts.errors import InputError, run
from contracts.files import write_text

FIXED = ["scale", "test_set", "method", "steps", "images", "protocol"]
SCALES = {
    "demo": "Demo results: a small model, trained for minutes on a few photographs; "
    "not comparable with published numbers.",
    "paper": "Paper scale: measured here, not copied from a publication.",
}
Row = dict[str, str]
Groups = dict[tuple[str, str], list[Row]]


def read_rows(paths: list[Path]) -> Groups:
    """The rows of all evaluation files, by (method, test set)."""
    groups: Groups = {}
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise InputError(f"{path} has not the columns of an evaluation; make it with benchmark.evaluate")
            for row in reader:
                groups.setdefault((row["method"], row["test_set"]), []).append(row)
    return groups


def check(spec: dict[str, Any], registry: metrics.Registry) -> None:
    """InputError where the specification lacks something or names what is unknown."""
    lacking = {"scale", "title", "caption", "metrics", "methods", "test_sets"} - spec.keys()
    if lacking:
        raise InputError(f"the table's --spec lacks {', '.join(sorted(lacking))}")
    unknown = [name for name in spec["metrics"] if name not in registry["metrics"]]
    if unknown or spec["scale"] not in SCALES:
        raise InputError(f"the table's --spec has an unknown {f'metric {unknown[0]}' if unknown else 'scale'}")
    titles = [entry["title"] for entry in spec["methods"].values()]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    if twice:
        raise InputError(f"two methods have the title {twice[0]}; rows could not be told apart")


def heading(metric: dict[str, Any]) -> str:
    """Column name of a metric: its title and the direction that is better."""
    return metric["title"] + ("↑" if metric["higher_is_better"] else "↓")


def average(rows: list[Row], name: str, decimals: int) -> str:
    """Average of metric ``name`` over the images (or the set's one value) as printed; empty where there is none."""
    values = [float(row["value"]) for row in rows if row["metric"] == name and row["value"]]
    return f"{math.fsum(values) / len(values):.{decimals}f}" if values else ""


def compose(spec: dict[str, Any], registry: metrics.Registry, groups: Groups) -> list[Row]:
    """One row per test set and method, keyed by the columns of the CSV. InputError where the methods of a test set were
    not measured on the same images by the same protocol, or not at all."""
    table = []
    for test_set in spec["test_sets"]:
        basis: tuple[set[str], set[str]] | None = None
        for method, entry in spec["methods"].items():
            rows = groups.get((method, test_set))
            if not rows:
                raise InputError(f"no evaluation of {method} on {test_set} among --rows; run benchmark.evaluate for it")
            images, protocols = {row["image"] for row in rows} - {""}, {row["protocol"] for row in rows}
            basis = basis or (images, protocols)
            if (images, protocols) != basis or len(protocols) > 1:
                raise InputError(
                    f"{method} on {test_set} has other images or another protocol than others; measure anew"
                )
            fixed = [spec["scale"], test_set, entry["title"], str(entry["steps"]), str(len(images) or ""), *protocols]
            row = dict(zip(FIXED, fixed, strict=True))
            for name in spec["metrics"]:
                metric = registry["metrics"][name]
                measured = {row["image"] for row in rows if row["metric"] == name and row["value"]}
                if metric["level"] == "image" and measured and measured != images:
                    raise InputError(f"{metric['title']} of {method} on {test_set} lacks images; measure anew")
                row[heading(metric)] = average(rows, name, metric["decimals"])
            table.append(row)
    return table


def notes(spec: dict[str, Any], registry: metrics.Registry, groups: Groups) -> list[str]:
    """One line per metric and reason why it is absent, or must be read with care."""
    lines = []
    for name in spec["metrics"]:
        for rows in groups.values():
            for row in rows:
                if row["metric"] == name and row["note"]:
                    state = "" if row["value"] else "not measured: "
                    lines.append(f"{registry['metrics'][name]['title']} {state}{row['note']}")
    return list(dict.fromkeys(lines))


def marks(values: list[str], higher_is_better: bool) -> list[str]:
    """``best``, ``second`` or empty for each printed value; equal values share a mark, a single one has none."""
    measured = [float(value) for value in values if value]
    ranked = sorted(set(measured), reverse=higher_is_better) if len(measured) > 1 else []
    names = dict(zip(ranked, ("best", "second"), strict=False))
    return [names.get(float(value), "") if value else "" for value in values]


def body(table: list[Row], wrap: dict[str, Callable[[str], str]]) -> list[list[str]]:
    """The metric cells of each row, best and second best within a test set passed through ``wrap``."""
    lines: list[list[str]] = [[] for _ in table]
    for column in [column for column in table[0] if column not in FIXED]:
        for test_set in dict.fromkeys(row["test_set"] for row in table):
            chosen = [index for index, row in enumerate(table) if row["test_set"] == test_set]
            values = [table[index][column] for index in chosen]
            for index, value, mark in zip(chosen, values, marks(values, column.endswith("↑")), strict=True):
                lines[index].append(wrap[mark](value) if mark else value)
    return lines


def as_csv(table: list[Row]) -> str:
    """The table as CSV text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def as_markdown(spec: dict[str, Any], table: list[Row], remarks: list[str]) -> str:
    """The table as Markdown: best bold, second best underlined, the test set named in the first of its rows."""
    columns = ["test set", "method", "steps", "images", *(column for column in table[0] if column not in FIXED)]
    lines = [f"# {spec['title']}: {spec['caption']}", "", f"**{SCALES[spec['scale']]}**", ""]
    lines += ["| " + " | ".join(columns) + " |", "|---|---|" + "--:|" * (len(columns) - 2)]
    cells = body(table, {"best": "**{}**".format, "second": "<u>{}</u>".format})
    above = ""
    for row, values in zip(table, cells, strict=True):
        name = spec["test_sets"][row["test_set"]]["title"] if row["test_set"] != above else ""
        above = row["test_set"]
        lines.append("| " + " | ".join([name, row["method"], row["steps"], row["images"], *values]) + " |")
    lines += ["", f"Protocol {', '.join(dict.fromkeys(row['protocol'] for row in table))}; averages over the images."]
    lines += ["**Best** and <u>second best</u> of each test set; an empty cell was not measured.", ""]
    return "\n".join(lines + [f"- {remark}" for remark in remarks]).rstrip() + "\n"


def as_latex(spec: dict[str, Any], table: list[Row], remarks: list[str]) -> str:
    """The table as a LaTeX float, best and second best marked as in the paper."""
    columns = ["Test set", "Method", "Steps", "Images", *(column for column in table[0] if column not in FIXED)]
    protocols = ", ".join(dict.fromkeys(row["protocol"] for row in table))
    caption = (
        f"{latex.escaped(spec['caption'])} {latex.escaped(SCALES[spec['scale']])}\n"
        r"\best{Best} and \second{second best} of each test set; an empty cell was not measured."
        f" Protocol {latex.escaped(protocols)}."
    )
    cells = body(table, {"best": r"\best{{{}}}".format, "second": r"\second{{{}}}".format})
    groups: dict[str, list[list[str]]] = {}
    for row, values in zip(table, cells, strict=True):
        rows = groups.setdefault(row["test_set"], [])
        name = "" if rows else latex.escaped(spec["test_sets"][row["test_set"]]["title"])
        rows.append([name, latex.escaped(row["method"]), row["steps"], row["images"], *values])
    return latex.page(caption, columns, 2, list(groups.values()), remarks)


def as_html(spec: dict[str, Any], table: list[Row], remarks: list[str]) -> str:
    """The table as a page of HTML, coloured as in the paper."""
    columns = ["Test set", "Method", "Steps", "Images", *(column for column in table[0] if column not in FIXED)]
    cells = body(table, {mark: partial(html.span, mark) for mark in ("best", "second")})
    groups: dict[str, list[list[str]]] = {}
    for row, values in zip(table, cells, strict=True):
        rows = groups.setdefault(row["test_set"], [])
        name = "" if rows else spec["test_sets"][row["test_set"]]["title"]
        rows.append([escape(name), escape(row["method"]), row["steps"], row["images"], *values])
    protocols = ", ".join(dict.fromkeys(row["protocol"] for row in table))
    notes = [SCALES[spec["scale"]], f"Protocol {protocols}; averages over the images. An empty cell was not measured."]
    return html.page(spec["title"], spec["caption"], columns, list(groups.values()), notes, remarks)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmark.tables", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: scale, title, caption, metrics, ...")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluate")
    parser.add_argument(
        "--out", type=Path, required=True, help="path without ending; .csv, .md, .tex, .html are written"
    )
    args = parser.parse_args()

    spec, registry, groups = args.spec, metrics.load(args.registry), read_rows(args.rows)
    check(spec, registry)
    table = compose(spec, registry, groups)
    remarks = notes(spec, registry, groups)
    texts = {
        ".html": as_html(spec, table, remarks),
        ".md": as_markdown(spec, table, remarks),
        ".tex": as_latex(spec, table, remarks),
        ".csv": as_csv(table),
    }
    for suffix, text in texts.items():
        write_text(args.out.with_name(args.out.name + suffix), text)


if __name__ == "__main__":
    run(main)
