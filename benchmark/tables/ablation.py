"""The table of an ablation: means and spreads over seeds, tested against the default, beside the published rows.

    python -m benchmark.tables.ablation --spec FILE.yaml --rows FILE.csv ... --published FILE.csv --out results/table3

benchmark.statistics.ablation says how the variants are tested.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import pandas as pd

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.metrics.registry import Metric
from benchmark.statistics.ablation import LEGEND, ONE_SEED, Measurement, VariantRow, measure
from benchmark.tables.quality import metric_notes
from benchmark.tables.render import write
from benchmark.tables.specs import PRESETS, AblationRow, AblationSpec
from benchmark.tables.table import Cell, Column, Row, Table, texts
from osediff.common import settings
from osediff.common.errors import run
from osediff.common.files import read_json

FIXED = (
    *map(Column, ("preset", "test_set", "variant", "source")),
    Column(title="Variant"),
    Column("runs"),
    Column("converged"),
    Column("images"),
    Column("protocol"),
    Column(title="Runs"),
)
EXTRACTION = "extraction-seconds"  # column, and its name among the published values


def columns(spec: AblationSpec, metrics: Metrics) -> list[Column]:
    """List the columns: of each metric the mean, and in the CSV standard deviation, p-value and verdict."""
    listed = list(FIXED)
    for name in spec.metrics:
        heading = metrics[name].heading
        listed.append(Column(heading, heading, number=True))
        listed += [Column(f"{heading} {part}") for part in ("sd", "p", "verdict")]
    listed += [Column(EXTRACTION, "extraction (s)", number=True)] if spec.extraction else []
    return [*listed, Column("note")]


def metric_cells(measurement: Measurement, metric: Metric) -> Row:
    """Make the cells of one metric of one variant."""
    mean, spread = metric.printed(measurement.mean), metric.printed(measurement.spread)
    p = "" if math.isnan(measurement.p) else f"{measurement.p:.3g}"
    return [Cell(mean, spread=spread, verdict=measurement.verdict), *texts(spread, p, measurement.verdict)]


def measured_row(
    spec: AblationSpec, metrics: Metrics, frame: pd.DataFrame, entry: AblationRow, variant_row: VariantRow
) -> Row:
    """Make the row of what was measured of one variant."""
    rows = results.of(frame, entry.runs[0], spec.test_set)
    runs, converged = variant_row.runs, variant_row.converged
    shown_runs = str(runs) if converged == runs else f"{converged} of {runs} converged"
    images, protocol = len(results.images(rows)) or "", rows["protocol"].iloc[0]
    fixed = (spec.preset, spec.test_set, entry.title, "measured", entry.title, runs, converged)
    row = texts(*fixed, images, protocol, shown_runs)
    start = len(row)
    for name in spec.metrics:
        row += metric_cells(variant_row.measurements[name], metrics[name])
    if not converged and spec.metrics:
        row[start] = Cell(note="did not converge")
    if spec.extraction:
        row.append(Cell(extraction_seconds(entry)))
    return [*row, Cell("; ".join(dict.fromkeys(variant_row.failures)))]


def extraction_seconds(entry: AblationRow) -> str:
    """Print the measured seconds that one image's prompt takes; 0 where the variant has no prompts."""
    return f"{read_json(Path(entry.prompts[0]))['seconds']:.3g}" if entry.prompts else "0"


def published_row(spec: AblationSpec, entry: AblationRow, values: pd.DataFrame) -> Row | None:
    """Make the row of what was published of one variant; None where nothing was."""
    chosen = values[(values["table"] == spec.name) & (values["method"] == entry.published)]
    printed = dict(zip(chosen["metric"], chosen["printed"], strict=True))
    if not printed and not entry.published_remark:
        return None
    fixed = ("paper", spec.published_test_set, entry.title, "published", "", "", "", "", "", "published")
    row = texts(*fixed, published=True)
    start = len(row)
    for name in spec.metrics:
        row += texts(printed.get(name, ""), "", "", "", published=True)
    if entry.published_remark and spec.metrics and not row[start].text:
        row[start] = Cell(note=entry.published_remark, published=True)
    if spec.extraction:
        row.append(Cell(printed.get(EXTRACTION, ""), published=True))
    return [*row, Cell(entry.published_remark)]


def extraction_remarks(spec: AblationSpec) -> list[str]:
    """Say on what each extraction time was taken."""
    lines = []
    for entry in spec.rows.values() if spec.extraction else []:
        for content in map(read_json, map(Path, entry.prompts[:1])):
            made_by = content["made_by"]
            what = f"{made_by['extractor']} on {made_by['device']} in {made_by['precision']}, one image at a time"
            lines.append(f"{entry.title}: extraction is the median of {len(content['prompts'])} images, {what}")
    return lines


def compose(spec: AblationSpec, metrics: Metrics, frame: pd.DataFrame, values: pd.DataFrame) -> Table:
    """Make the table; InputError where a run was not evaluated, or not on the images of the default."""
    variants = measure(spec, metrics, frame)
    groups = []
    for variant, entry in spec.rows.items():
        of_paper = published_row(spec, entry, values)
        measured = measured_row(spec, metrics, frame, entry, variants[variant])
        groups.append([measured, of_paper] if of_paper else [measured])
    failures = [f"{spec.rows[v].title}: {why}" for v, row in variants.items() for why in dict.fromkeys(row.failures)]
    failed = {
        (method, test_set)
        for (method, test_set), rows in frame.groupby(["method", "test_set"])
        if not results.has_values(rows)
    }
    protocols = ", ".join(dict.fromkeys(frame["protocol"]))
    notes = [f"Protocol {protocols}. Published: the paper, on {spec.published_test_set or 'nothing'}."]
    notes += [LEGEND if spec.seeds > 1 else ONE_SEED, *([spec.note] if spec.note else [])]
    spread = ", mean ± standard deviation over seeds" if spec.seeds > 1 else ""
    return Table(
        title=spec.title,
        caption=f"{spec.test_set_title}{spread}.",
        columns=columns(spec, metrics),
        groups=groups,
        banner=PRESETS[spec.preset],
        notes=notes,
        remarks=[
            *failures,
            *spec.remarks,
            *extraction_remarks(spec),
            *metric_notes(spec.metrics, metrics, frame, failed),
        ],
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.ablation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=Path, required=True, help="YAML: AblationSpec of benchmark.tables.specs")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument("--published", type=Path, required=True, help="CSV file of published values")
    parser.add_argument(
        "--out", type=Path, required=True, help="path without ending; .csv, .md, .tex, .html are written"
    )
    args = parser.parse_args()
    spec, metrics = settings.read(args.spec, AblationSpec), results.read_metrics(args.registry)
    results.check_known(spec.metrics, metrics, args.spec)
    values = published.load([args.published], metrics)
    write(compose(spec, metrics, results.load(args.rows, metrics), values), args.out)


if __name__ == "__main__":
    run(main)
