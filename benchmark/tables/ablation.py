"""The table of an ablation: means and spreads over seeds, tested against the default, beside the published rows.

    python -m benchmark.tables.ablation --spec JSON --rows FILE.csv ... --published FILE.csv --out results/table3

``--spec`` is that of ``workflow.planning.ablations.spec``. Every variant saw the same crops, degradations, noise and timesteps
as the default with the same seed, so the tests are paired: the difference from the default on each image and seed. A
variant is marked better or worse when two tests agree at 5 %, after Holm's correction over all comparisons of the
table: a bootstrap that draws seeds and images anew, and Wilcoxon's signed-rank test over images, seeds averaged.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import statistics
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from benchmark.data import published
from benchmark.metrics import build as metrics
from benchmark.statistics.pairwise import LEVEL, RESAMPLES, SEED, holm
from benchmark.tables import html, latex
from benchmark.tables.quality import PRESETS, Groups, Row, heading, notes, read_rows
from osediff.common.errors import InputError, run
from osediff.common.files import read_json, write_text

FIXED = ("preset", "test_set", "variant", "source", "runs", "converged", "images", "protocol")
OF_METRIC = ("", " sd", " p", " verdict")  # columns of a metric, after its heading
SIGNS = {"better": "▲", "worse": "▼", "": ""}
LEGEND = (
    "▲ better, ▼ worse than the default variant, no mark: cannot be told. Paired on images and seeds: a bootstrap "
    f"over both ({RESAMPLES} resamples) and Wilcoxon over images must agree at {LEVEL:.0%},"
    " after Holm's correction over the table."
)
EXTRACTION = "extraction-seconds"  # column, and its name among the published values
Beside = dict[str, dict[str, str]]  # published values by variant and metric, as printed


@dataclass
class Cell:
    """One metric of one row: mean and standard deviation over seeds (None for fewer than two), and the verdict."""

    mean: float | None = None
    spread: float | None = None
    p: float | None = None
    verdict: str = ""


@dataclass
class Line:
    """One variant: how many of its runs converged, and its cell for each metric."""

    title: str
    runs: int
    failures: list[str] = field(default_factory=list)
    cells: dict[str, Cell] = field(default_factory=dict)


def failure(rows: list[Row]) -> str:
    """Why a run has no values at all (its training did not converge); empty when it has some."""
    return "" if any(row["value"] for row in rows) else next((row["note"] for row in rows if row["note"]), "no values")


def values(rows: list[Row], name: str) -> dict[str, float]:
    """Values of metric ``name`` by image; the image is empty for a metric of the whole set."""
    return {row["image"]: float(row["value"]) for row in rows if row["metric"] == name and row["value"]}


def p_values(differences: np.ndarray) -> tuple[float, float]:
    """Two-sided p of the crossed bootstrap and of Wilcoxon for ``differences`` (seeds, images)."""
    seeds, images = differences.shape
    rng = np.random.default_rng(SEED)
    means = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        drawn = differences[rng.integers(seeds, size=seeds)][:, rng.integers(images, size=images)]
        means[index] = drawn.mean()
    tail = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    of_images = differences.mean(axis=0)
    # Never 0: the sample itself counts as one of the resamples.
    by_bootstrap = min(1.0, 2 * (tail + 1) / (RESAMPLES + 1))
    return by_bootstrap, float(wilcoxon(of_images).pvalue) if of_images.any() else 1.0


def compose(spec: dict[str, Any], registry: metrics.Registry, groups: Groups) -> dict[str, Line]:
    """A line for each row of ``spec``. InputError: a run was not evaluated, or not on the images of the default."""
    lines: dict[str, Line] = {}
    found: dict[tuple[str, int], dict[str, dict[str, float]]] = {}
    for variant, entry in spec["rows"].items():
        line = lines[variant] = Line(entry["title"], len(entry["runs"]))
        for seed, method in enumerate(entry["runs"]):
            rows = groups.get((method, spec["test_set"]))
            if not rows:
                raise InputError(f"no evaluation of {method} on {spec['test_set']} among --rows; measure it")
            reason = failure(rows)
            if reason:
                line.failures.append(reason)
            else:
                found[variant, seed] = {name: values(rows, name) for name in spec["metrics"]}
        for name in spec["metrics"]:
            means = [
                statistics.fmean(of_run[name].values())
                for (own, _), of_run in found.items()
                if own == variant and of_run[name]
            ]
            line.cells[name] = Cell(
                statistics.fmean(means) if means else None, statistics.stdev(means) if len(means) > 1 else None
            )
    judge(spec, registry, lines, found)
    return lines


def judge(
    spec: dict[str, Any],
    registry: metrics.Registry,
    lines: dict[str, Line],
    found: dict[tuple[str, int], dict[str, dict[str, float]]],
) -> None:
    """Fills p and verdict of every cell that can be tested against the default: two images at least, of one seed."""
    tested: list[tuple[str, str, np.ndarray]] = []
    for variant, name in itertools.product(lines, spec["metrics"]):
        if variant == spec["default"] or registry["metrics"][name]["level"] != "image":
            continue
        differences = [
            paired(of_run[name], found[spec["default"], seed][name], entry_name(spec, variant, seed))
            for (own, seed), of_run in found.items()
            if own == variant and (spec["default"], seed) in found
        ]
        if differences and len(differences[0]) > 1:
            tested.append((variant, name, np.array(differences)))
    results = [p_values(differences) for _, _, differences in tested]
    corrected = zip(holm([first for first, _ in results]), holm([second for _, second in results]), strict=True)
    for (variant, name, measured), both in zip(tested, corrected, strict=True):
        cell = lines[variant].cells[name]
        cell.p = max(both)
        if cell.p < LEVEL:
            gain = (measured.mean() > 0) == registry["metrics"][name]["higher_is_better"]
            cell.verdict = "better" if gain else "worse"


def entry_name(spec: dict[str, Any], variant: str, seed: int) -> str:
    """The method that is one run of a row."""
    return str(spec["rows"][variant]["runs"][seed])


def paired(own: dict[str, float], other: dict[str, float], method: str) -> list[float]:
    """Differences ``own`` minus ``other``, image by image; InputError where they are of different images."""
    if own.keys() != other.keys():
        raise InputError(f"{method} was measured on other images than the default variant; measure anew")
    return [own[image] - other[image] for image in sorted(own)]


def printed(spec: dict[str, Any], numbers: list[published.Published]) -> Beside:
    """Published values of each row, as the paper prints them; nothing for a row that was not published."""
    of_table = [value for value in numbers if value.table == spec["name"]]
    return {
        variant: {value.metric: value.printed for value in of_table if value.method == entry["published"]}
        for variant, entry in spec["rows"].items()
    }


def extraction(spec: dict[str, Any], variant: str, beside: dict[str, str] | None = None) -> list[str]:
    """The cell of the extraction-time column, measured or published; no cell where the table has no such column."""
    if not spec["extraction"]:
        return []
    if beside is not None:
        return [beside.get(EXTRACTION, "")]
    files = spec["rows"][variant]["prompts"]
    return [f"{read_json(Path(files[0]))['seconds']:.3g}" if files else "0"]


def as_csv(
    spec: dict[str, Any], registry: metrics.Registry, lines: dict[str, Line], groups: Groups, beside: Beside
) -> str:
    """The table as CSV text: for each variant what was measured, then what was published of it, if anything was."""
    names = {name: heading(registry["metrics"][name]) for name in spec["metrics"]}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    timed = [EXTRACTION] if spec["extraction"] else []
    writer.writerow([*FIXED, *(title + part for title in names.values() for part in OF_METRIC), *timed, "note"])
    for variant, line in lines.items():
        rows = groups[entry_name(spec, variant, 0), spec["test_set"]]
        images = len({row["image"] for row in rows} - {""})
        fixed = [spec["preset"], spec["test_set"], line.title, "measured", line.runs, line.runs - len(line.failures)]
        cells: list[Any] = []
        for name in names:
            cell, decimals = line.cells[name], registry["metrics"][name]["decimals"]
            cells += ["" if number is None else f"{number:.{decimals}f}" for number in (cell.mean, cell.spread)]
            cells += ["" if cell.p is None else f"{cell.p:.3g}", cell.verdict]
        cells += extraction(spec, variant)
        writer.writerow([*fixed, images or "", rows[0]["protocol"], *cells, "; ".join(dict.fromkeys(line.failures))])
        numbers = beside[variant]
        words = spec["rows"][variant]["paper"]
        if numbers or words:
            cells = [cell for name in names for cell in (numbers.get(name, ""), "", "", "")]
            cells += extraction(spec, variant, numbers)
            fixed = ["paper", spec["published_test_set"], line.title, "published", "", "", "", ""]
            writer.writerow([*fixed, *cells, words])
    return text.getvalue()


def body(
    spec: dict[str, Any], registry: metrics.Registry, lines: dict[str, Line], beside: Beside
) -> list[list[list[str]]]:
    """Rows of cells as plain text, grouped by variant: title, runs, then a cell for each metric."""
    groups = []
    for variant, line in lines.items():
        converged = line.runs - len(line.failures)
        runs = str(line.runs) if converged == line.runs else f"{converged} of {line.runs} converged"
        cells = []
        for name in spec["metrics"]:
            cell, decimals = line.cells[name], registry["metrics"][name]["decimals"]
            spread = "" if cell.spread is None else f" ± {cell.spread:.{decimals}f}"
            mark = f" {SIGNS[cell.verdict]}" if cell.verdict else ""
            cells.append("" if cell.mean is None else f"{cell.mean:.{decimals}f}{spread}{mark}")
        if not converged:
            cells = ["did not converge", *[""] * (len(cells) - 1)]
        cells += extraction(spec, variant)
        rows = [[line.title, runs, *cells]]
        numbers, words = beside[variant], spec["rows"][variant]["paper"]
        if numbers or words:
            cells = [numbers.get(name, "") for name in spec["metrics"]] + extraction(spec, variant, numbers)
            rows.append(["", "published", *([words, *cells[1:]] if words else cells)])
        groups.append(rows)
    return groups


def clocks(spec: dict[str, Any]) -> list[str]:
    """Lines below the table: on what each time of extraction was taken."""
    lines = []
    for entry in spec["rows"].values():
        for content in map(read_json, map(Path, entry["prompts"][:1])):
            made = content["made_by"]
            what = f"{made['extractor']} on {made['device']} in {made['precision']}, one image at a time"
            lines.append(f"{entry['title']}: extraction is the median of {len(content['prompts'])} images, {what}")
    return lines if spec["extraction"] else []


def remarks_of(spec: dict[str, Any], registry: metrics.Registry, lines: dict[str, Line], groups: Groups) -> list[str]:
    """Lines below the table: runs that failed, rows that repeat the default, metrics that are absent."""
    failed = [f"{line.title}: {reason}" for line in lines.values() for reason in dict.fromkeys(line.failures)]
    whole = {key: rows for key, rows in groups.items() if not failure(rows)}
    return failed + spec["remarks"] + clocks(spec) + notes(spec, registry, whole)


def as_markdown(
    title: str, caption: str, head: list[str], groups: list[list[list[str]]], about: list[str], remarks: list[str]
) -> str:
    """The table as Markdown, published rows in italics."""
    lines = [f"# {title}", "", f"**{about[0]}**", "", f"{caption}.", ""]
    lines += ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    for group in groups:
        for row in group:
            cells = [f"*{cell}*" if cell and row[1] == "published" else cell for cell in row]
            lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *(f"{line}\n" for line in about[1:]), *(f"- {remark}" for remark in remarks)]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.ablation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON of workflow.planning.ablations.spec")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument("--published", type=Path, required=True, help="CSV file of published values")
    parser.add_argument(
        "--out", type=Path, required=True, help="path without ending; .csv, .md, .tex, .html are written"
    )
    args = parser.parse_args()

    spec, registry, groups = args.spec, metrics.load(args.registry), read_rows(args.rows)
    beside = printed(spec, published.load(args.published))
    lines = compose(spec, registry, groups)
    remarks = remarks_of(spec, registry, lines, groups)
    rows = body(spec, registry, lines, beside)
    head = ["variant", "runs", *(heading(registry["metrics"][name]) for name in spec["metrics"])]
    head += ["extraction (s)"] if spec["extraction"] else []
    caption = f"{spec['test_set_title']}, mean ± standard deviation over seeds"
    protocols = ", ".join(dict.fromkeys(row["protocol"] for rows in groups.values() for row in rows))
    about = [
        PRESETS[spec["preset"]],
        f"Protocol {protocols}. Published: the paper, on {spec['published_test_set'] or 'nothing'}.",
        LEGEND,
    ]
    in_html = [[[escape(cell) for cell in row] for row in group] for group in rows]
    in_latex = [[[latex.escaped(cell) for cell in row] for row in group] for group in rows]
    texts = {
        ".md": as_markdown(spec["title"], caption, head, rows, about, remarks),
        ".html": html.page(spec["title"], caption, head, in_html, about, remarks),
        ".tex": latex.page(latex.escaped(f"{spec['title']}. {caption}. {' '.join(about)}"), head, 2, in_latex, remarks),
        ".csv": as_csv(spec, registry, lines, groups, beside),
    }
    for suffix, text in texts.items():
        write_text(args.out.with_name(args.out.name + suffix), text)


if __name__ == "__main__":
    run(main)
