"""The table of an ablation: means and spreads over seeds, tested against the default, beside the published rows.

    python -m benchmark.tables.ablation --spec FILE.yaml --rows FILE.csv ... --published FILE.csv --out results/table3

benchmark.statistics.ablation says how the variants are tested.
"""

from __future__ import annotations

import math
from pathlib import Path

from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.statistics.ablation import LEGEND, ONE_SEED, VariantRow, measure
from benchmark.tables.inputs import Inputs, add_inputs, make_parser, read_inputs
from benchmark.tables.quality import metric_notes
from benchmark.tables.render import write
from benchmark.tables.specs import PRESETS, AblationRow, AblationSpec
from benchmark.tables.table import Cell, Column, Row, Table, Value
from osediff.common.errors import run
from osediff.common.files import read_json

EXTRACTION = "extraction-seconds"  # column, and its name among the published values


def make_columns(spec: AblationSpec, metrics: Metrics) -> list[Column]:
    """List the columns: the mean of each metric, and in the CSV its standard deviation, p-value and verdict."""
    columns = [Column(key) for key in ("preset", "test_set", "variant", "source")]
    columns.append(Column("Variant", "Variant", csv=False, group=True))
    columns += [Column(key) for key in ("runs", "converged", "images", "protocol")]
    columns.append(Column("Runs", "Runs", csv=False))
    for heading in (metrics[name].heading for name in spec.metrics):
        columns.append(Column(heading, heading, number=True))
        columns += [Column(f"{heading} {part}") for part in ("sd", "p", "verdict")]
    columns += [Column(EXTRACTION, "extraction (s)", number=True)] if spec.extraction else []
    return [*columns, Column("note")]


def measured_row(inputs: Inputs[AblationSpec], entry: AblationRow, variant: VariantRow) -> Row:
    """Make the measured row of one variant."""
    spec, runs, converged = inputs.spec, variant.runs, variant.converged
    rows = results.of(inputs.frame, entry.runs[0], spec.test_set)
    row: dict[str, Value] = {"preset": spec.preset, "test_set": spec.test_set, "source": "measured"}
    row |= {"variant": entry.title, "Variant": entry.title, "runs": runs, "converged": converged}
    row |= {"Runs": runs if converged == runs else f"{converged} of {runs} converged"}
    row |= {"images": len(results.images(rows)) or None, "protocol": rows["protocol"].iloc[0]}
    for index, name in enumerate(spec.metrics):
        metric, measurement = inputs.metrics[name], variant.measurements[name]
        heading, spread = metric.heading, metric.printed(measurement.spread)
        note = "did not converge" if index == 0 and not converged else ""
        mean = metric.printed(measurement.mean)
        row[heading] = Cell(mean, spread=spread, verdict=measurement.verdict, note=note)
        row |= {f"{heading} sd": spread, f"{heading} verdict": measurement.verdict}
        row[f"{heading} p"] = "" if math.isnan(measurement.p) else f"{measurement.p:.3g}"
    # A variant without prompts has nothing to extract.
    row[EXTRACTION] = f"{read_json(Path(entry.prompts[0]))['seconds']:.3g}" if entry.prompts else "0"
    row["note"] = "; ".join(dict.fromkeys(variant.failures))
    return Row(row)


def published_row(inputs: Inputs[AblationSpec], entry: AblationRow) -> list[Row]:
    """Make the published row of one variant; no row if nothing was published."""
    spec, values, published_remark = inputs.spec, inputs.published, entry.published_remark
    chosen = values[(values["table"] == spec.name) & (values["method"] == entry.published)]
    printed = dict(zip(chosen["metric"], chosen["printed"], strict=True))
    if not printed and not published_remark:
        return []
    row: dict[str, Value] = {
        "preset": "paper",
        "test_set": spec.published_test_set,
        "variant": entry.title,
        "source": "published",
    }
    row |= {"Runs": "published", "note": published_remark, EXTRACTION: printed.get(EXTRACTION, "")}
    for index, name in enumerate(spec.metrics):
        row[inputs.metrics[name].heading] = Cell(printed.get(name, ""), note=published_remark if index == 0 else "")
    return [Row(row, published=True)]


def extraction_remarks(spec: AblationSpec) -> list[str]:
    """Describe how each extraction time was measured."""
    lines = []
    for entry in spec.rows.values() if spec.extraction else []:
        for content in map(read_json, map(Path, entry.prompts[:1])):
            source = content["made_by"]
            what = f"{source['extractor']} on {source['device']} in {source['precision']}, one image at a time"
            lines.append(f"{entry.title}: extraction is the median of {len(content['prompts'])} images, {what}")
    return lines


def compose(inputs: Inputs[AblationSpec]) -> Table:
    """Make the table; InputError if a run was not evaluated, or on other images than the default."""
    spec, metrics, frame = inputs.spec, inputs.metrics, inputs.frame
    variants = measure(spec, metrics, frame)
    groups = [
        [measured_row(inputs, entry, variants[variant]), *published_row(inputs, entry)]
        for variant, entry in spec.rows.items()
    ]
    failures = [f"{spec.rows[v].title}: {why}" for v, row in variants.items() for why in dict.fromkeys(row.failures)]
    has_values = frame.groupby(["method", "test_set"])["value"].transform("count") > 0
    notes = [f"Protocol {', '.join(dict.fromkeys(frame['protocol']))}. "]
    notes[0] += f"Published: the paper, on {spec.published_test_set or 'nothing'}."
    notes += [LEGEND if spec.seeds > 1 else ONE_SEED, *([spec.note] if spec.note else [])]
    remarks = [*failures, *spec.remarks, *extraction_remarks(spec)]
    return Table(
        title=spec.title,
        caption=f"{spec.test_set_title}{', mean ± standard deviation over seeds' if spec.seeds > 1 else ''}.",
        columns=make_columns(spec, metrics),
        groups=groups,
        banner=PRESETS[spec.preset],
        notes=notes,
        remarks=[*remarks, *metric_notes(spec.metrics, metrics, frame[has_values])],
    )


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.tables.ablation", __doc__)
    add_inputs(parser, AblationSpec)
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .csv, .md, .tex, .html are made")
    args = parser.parse_args()
    write(compose(read_inputs(args, AblationSpec)), args.out)


if __name__ == "__main__":
    run(main)
