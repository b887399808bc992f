"""Tables of averages over per-image rows: CSV, Markdown, LaTeX and HTML, which say the same.

    python -m benchmark.tables.quality --spec JSON --registry config/metrics.yaml --rows FILE.csv ... --out results/table1

``--rows`` are files of benchmark.evaluation.evaluate. The specification is the slice of the configuration that a table depends on:

    {"preset": "demo", "title": "Table 1", "caption": "...", "metrics": ["psnr", ...], "published": "table1",
     "methods": {id: {"title": "OSEDiff", "steps": 1}, ...}, "test_sets": {id: {"title": "DrealSR"}, ...}}

Columns of the CSV, always in this order: preset, test_set (id), method (title), steps, images, protocol, then one per
metric, its title with ↑ (higher is better) or ↓. Values have the decimals that the paper prints. An empty cell was not
measured, and the other forms say below the table why. Best and second best (of two methods or more) are found
among the printed values that were measured, so that equal prints are marked alike.

With ``--published FILE.csv ...``, rows of the published table that the specification names follow the measured ones of
each test set, for methods that were not measured on it; where none of the test sets was published, those of the paper
follow. They are set in italics and never marked; in the CSV their preset is ``published``, and the column ``source``,
after the metrics, names where they are from (``measured`` for the others). With ``--statistics results/statistics.csv``
each average has its 95 % bootstrap interval, in the CSV as columns ``PSNR↑ low`` and ``PSNR↑ high`` at the end.
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

from benchmark.data import published
from benchmark.data.published import Published
from benchmark.evaluation.evaluate import COLUMNS
from benchmark.metrics import build as metrics
from benchmark.tables import html, latex
from osediff.common.errors import InputError, run
from osediff.common.files import write_text

FIXED = ["preset", "test_set", "method", "steps", "images", "protocol"]
PUBLISHED = "published"  # in place of a preset, on rows that nobody measured here
BOUNDS = (" low", " high")  # after a metric's column
PRESETS = {
    "demo": "Demo results: a small model, trained for minutes on a few photographs; "
    "not comparable with published numbers.",
    "paper": "Paper preset: measured here, not copied from a publication.",
}
Row = dict[str, str]
Groups = dict[tuple[str, str], list[Row]]
Wrap = Callable[[str], str]


def read_rows(paths: list[Path]) -> Groups:
    """The rows of all evaluation files, by (method, test set)."""
    groups: Groups = {}
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise InputError(
                    f"{path} has not the columns of an evaluation; make it with benchmark.evaluation.evaluate"
                )
            for row in reader:
                groups.setdefault((row["method"], row["test_set"]), []).append(row)
    return groups


def check(spec: dict[str, Any], registry: metrics.Registry) -> None:
    """InputError where the specification lacks something or names what is unknown."""
    lacking = {"preset", "title", "caption", "metrics", "methods", "test_sets"} - spec.keys()
    if lacking:
        raise InputError(f"the table's --spec lacks {', '.join(sorted(lacking))}")
    unknown = [name for name in spec["metrics"] if name not in registry["metrics"]]
    if unknown or spec["preset"] not in PRESETS:
        raise InputError(f"the table's --spec has an unknown {f'metric {unknown[0]}' if unknown else 'preset'}")
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


def has_values(rows: list[Row]) -> bool:
    """Whether a method has any value: one that failed has none, and its notes say why."""
    return any(row["value"] for row in rows)


def compose(spec: dict[str, Any], registry: metrics.Registry, groups: Groups) -> list[Row]:
    """One row per test set and method, keyed by the columns of the CSV. InputError where the methods of a test set were
    not measured on the same images by the same protocol; the cells of one that failed are empty."""
    table = []
    for test_set in spec["test_sets"]:
        basis: tuple[set[str], dict[str, str]] | None = None
        for method, entry in spec["methods"].items():
            rows = groups.get((method, test_set))
            if not rows:
                raise InputError(
                    f"no evaluation of {method} on {test_set} among --rows; run benchmark.evaluation.evaluate for it"
                )
            images, protocols = {row["image"] for row in rows} - {""}, {row["metric"]: row["protocol"] for row in rows}
            if has_values(rows):
                basis = basis or (images, protocols)
            if has_values(rows) and (images, protocols) != basis:
                raise InputError(
                    f"{method} on {test_set} has other images or another protocol than others; measure anew"
                )
            shown = dict.fromkeys(protocols[name] for name in spec["metrics"] if name in protocols)
            fixed = [spec["preset"], test_set, entry["title"], str(entry["steps"]), str(len(images) or "")]
            fixed.append(" + ".join(shown))
            row = dict(zip(FIXED, fixed, strict=True))
            for name in spec["metrics"]:
                metric = registry["metrics"][name]
                with_value = {row["image"] for row in rows if row["metric"] == name and row["value"]}
                if metric["level"] == "image" and with_value and with_value != images:
                    raise InputError(f"{metric['title']} of {method} on {test_set} lacks images; measure anew")
                row[heading(metric)] = average(rows, name, metric["decimals"])
            table.append(row)
    return table


def notes(spec: dict[str, Any], registry: metrics.Registry, groups: Groups) -> list[str]:
    """One line per method that failed, and per metric and reason why it is absent or must be read with care."""
    lines = []
    failed = [key for key, rows in groups.items() if not has_values(rows) and len({row["note"] for row in rows}) == 1]
    for method, test_set in failed:
        title = spec.get("methods", {}).get(method, {"title": method})["title"]
        place = spec.get("test_sets", {}).get(test_set, {"title": test_set})["title"]
        lines.append(f"{title} on {place} not measured: {groups[method, test_set][0]['note']}")
    for name in spec["metrics"]:
        for key, rows in groups.items():
            for row in [] if key in failed else rows:
                if row["metric"] == name and row["note"]:
                    state = "" if row["value"] else "not measured: "
                    lines.append(f"{registry['metrics'][name]['title']} {state}{row['note']}")
    return list(dict.fromkeys(lines))


def add_intervals(table: list[Row], spec: dict[str, Any], registry: metrics.Registry, path: Path) -> None:
    """Adds ``low`` and ``high`` of every average to the measured rows, from ``path``, benchmark.statistics.pairwise' table."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            bounds = {(row["test_set"], row["method"], row["metric"]): row for row in csv.DictReader(file)}
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: no table of benchmark.statistics.pairwise ({error}); make it anew") from error
    for name in spec["metrics"]:
        metric = registry["metrics"][name]
        for row in table:
            found = bounds.get((row["test_set"], row["method"], name), {}) if row["preset"] == spec["preset"] else {}
            for bound in BOUNDS:
                text = found.get(bound.strip(), "")
                row[heading(metric) + bound] = f"{float(text):.{metric['decimals']}f}" if text else ""


def published_rows(spec: dict[str, Any], registry: metrics.Registry, values: list[Published]) -> list[Row]:
    """Rows of the published table ``spec["published"]`` for what was not measured, keyed as those of ``compose``."""
    values = [value for value in values if value.table == spec["published"]]
    sets = dict.fromkeys(value.test_set for value in values)
    wanted = [test_set for test_set in spec["test_sets"] if test_set in sets] or list(sets)
    measured = {entry.get("published", entry["title"]) for entry in spec["methods"].values()}
    table = []
    for test_set in wanted:
        of_set = [value for value in values if value.test_set == test_set]
        for method in dict.fromkeys(value.method for value in of_set):
            if method in measured and test_set in spec["test_sets"]:
                continue
            of_method = {value.metric: value for value in of_set if value.method == method}
            one = next(iter(of_method.values()))
            steps = "" if one.steps is None else str(one.steps)
            row = dict(zip(FIXED, [PUBLISHED, test_set, method, steps, "", one.protocol], strict=True))
            for name in spec["metrics"]:
                row[heading(registry["metrics"][name])] = of_method[name].printed if name in of_method else ""
            table.append(row | {"source": one.source})
    return table


def beside(table: list[Row], others: list[Row]) -> list[Row]:
    """Measured and published rows, each measured one with its ``source`` too, by test set, measured ones first."""
    every = [row | {"source": "measured"} for row in table] + others
    return [row for name in dict.fromkeys(row["test_set"] for row in every) for row in every if row["test_set"] == name]


def marks(values: list[str], higher_is_better: bool) -> list[str]:
    """``best``, ``second`` or empty for each printed value; equal values share a mark, a single one has none."""
    measured = [float(value) for value in values if value]
    ranked = sorted(set(measured), reverse=higher_is_better) if len(measured) > 1 else []
    names = dict(zip(ranked, ("best", "second"), strict=False))
    return [names.get(float(value), "") if value else "" for value in values]


def headings(table: list[Row]) -> list[str]:
    """The columns of the metrics."""
    return [column for column in table[0] if column.endswith(("↑", "↓"))]


def body(spec: dict[str, Any], table: list[Row], wrap: dict[str, Wrap], plain: Wrap) -> list[list[list[str]]]:
    """The cells of the table's bodies, one per test set, whose title stands in the first of its rows.

    Texts go through ``plain``; then best, second best and published values, and intervals, through ``wrap``."""
    bodies: list[list[list[str]]] = []
    for test_set in dict.fromkeys(row["test_set"] for row in table):
        rows = [row for row in table if row["test_set"] == test_set]
        title = spec["test_sets"].get(test_set, {"title": spec.get("titles", {}).get(test_set, test_set)})["title"]
        cells = []
        for index, row in enumerate(rows):
            fixed = [plain(row[key]) for key in ("method", "steps", "images")]
            if row["preset"] == PUBLISHED:
                fixed = [wrap[PUBLISHED](cell) if cell else "" for cell in fixed]
            cells.append([plain(title) if index == 0 else "", *fixed])
        for column in headings(table):
            measured = [row[column] if row["preset"] != PUBLISHED else "" for row in rows]
            for row, line, mark in zip(rows, cells, marks(measured, column.endswith("↑")), strict=True):
                mark = mark or (PUBLISHED if row["preset"] == PUBLISHED and row[column] else "")
                value = wrap[mark](row[column]) if mark else row[column]
                low, high = (row.get(column + bound, "") for bound in BOUNDS)
                line.append(value + (wrap["interval"](f"[{low}, {high}]") if low else ""))
        bodies.append(cells)
    return bodies


def explanations(spec: dict[str, Any], table: list[Row]) -> list[str]:
    """What the cells of ``table`` mean: protocol, intervals, and which rows are somebody else's."""
    measured = [row for row in table if row["preset"] != PUBLISHED]
    protocols = ", ".join(dict.fromkeys(row["protocol"] for row in measured))
    lines = [f"Protocol {protocols}; averages over the images. An empty cell was not measured."]
    if any(key.endswith(BOUNDS) for key in table[0]):
        lines.append("In brackets: the 95 % bootstrap interval of the average.")
    sources = dict.fromkeys(row["source"] for row in table if row["preset"] == PUBLISHED)
    if sources:
        lines.append(f"Rows in italics were not measured here, but published: {', '.join(sources)}.")
    return lines


def as_csv(table: list[Row]) -> str:
    """The table as CSV text, columns in the documented order."""
    text = io.StringIO()
    bounds = [key for key in table[0] if key.endswith(BOUNDS)]
    names = [*FIXED, *headings(table), *(["source"] if "source" in table[0] else []), *bounds]
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def as_markdown(spec: dict[str, Any], table: list[Row], remarks: list[str]) -> str:
    """The table as Markdown: best bold, second best underlined, the test set named in the first of its rows."""
    columns = ["test set", "method", "steps", "images", *headings(table)]
    lines = [f"# {spec['title']}: {spec['caption']}", "", f"**{PRESETS[spec['preset']]}**", ""]
    lines += ["| " + " | ".join(columns) + " |", "|---|---|" + "--:|" * (len(columns) - 2)]
    wrap: dict[str, Wrap] = {"best": "**{}**".format, "second": "<u>{}</u>".format}
    wrap |= {PUBLISHED: "*{}*".format, "interval": " {}".format}
    for rows in body(spec, table, wrap, str):
        lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", *explanations(spec, table), "**Best** and <u>second best</u> of what was measured on a test set.", ""]
    return "\n".join(lines + [f"- {remark}" for remark in remarks]).rstrip() + "\n"


def as_latex(spec: dict[str, Any], table: list[Row], remarks: list[str]) -> str:
    """The table as a LaTeX float, best and second best marked as in the paper."""
    columns = ["Test set", "Method", "Steps", "Images", *headings(table)]
    lines = [spec["caption"], PRESETS[spec["preset"]], *explanations(spec, table)]
    marked = r"\best{Best} and \second{second best} of what was measured on a test set."
    caption = "\n".join([*map(latex.escaped, lines), marked])
    wrap: dict[str, Wrap] = {"best": r"\best{{{}}}".format, "second": r"\second{{{}}}".format}
    wrap |= {PUBLISHED: r"\published{{{}}}".format, "interval": r" {{\tiny {}}}".format}
    return latex.page(caption, columns, 2, body(spec, table, wrap, latex.escaped), remarks)


def as_html(spec: dict[str, Any], table: list[Row], remarks: list[str]) -> str:
    """The table as a page of HTML, colored as in the paper."""
    columns = ["Test set", "Method", "Steps", "Images", *headings(table)]
    wrap: dict[str, Wrap] = {mark: partial(html.span, mark) for mark in ("best", "second", PUBLISHED)}
    wrap["interval"] = " <small>{}</small>".format
    rows = body(spec, table, wrap, escape)
    return html.page(
        spec["title"], spec["caption"], columns, rows, [PRESETS[spec["preset"]], *explanations(spec, table)], remarks
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.quality", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: preset, title, caption, metrics, ...")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="path without ending; .csv, .md, .tex, .html are written"
    )
    parser.add_argument("--published", type=Path, nargs="+", help="CSV files of published numbers, to show beside")
    parser.add_argument("--statistics", type=Path, help="CSV of benchmark.statistics.pairwise, to show its intervals")
    args = parser.parse_args()

    spec, registry, groups = args.spec, metrics.load(args.registry), read_rows(args.rows)
    check(spec, registry)
    table = compose(spec, registry, groups)
    if args.statistics:
        add_intervals(table, spec, registry, args.statistics)
    if args.published and "published" in spec:
        values = [value for path in args.published for value in published.load(path)]
        table = beside(table, published_rows(spec, registry, values))
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
