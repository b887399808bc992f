"""Estimate the cost of the ablations before anything runs: trainings and device-hours of each table.

python -m benchmark.tables.training_cost --spec FILE.yaml [--published FILE.csv] --out results/training_cost.md

Below the table stands what the trainings need beside: baselines that restore all test sets, and prompts of the training
crops, at the published seconds of an image.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmark.data import published
from benchmark.evaluation.results import read_metrics
from benchmark.tables.inputs import make_parser
from benchmark.tables.render import markdown
from benchmark.tables.specs import PlannedImages, TrainingCostSpec
from benchmark.tables.table import Column, Table, Value, plain_rows
from osediff.common import settings
from osediff.common.errors import run
from osediff.common.files import write_text

HEAD = ("ablation", "rows", "trainings", "new ones", "steps each", "hours alone", "hours added")


def hours(spec: TrainingCostSpec, trainings: int) -> float:
    """Return the device-hours of ``trainings``: steps times seconds, times the devices that share a step."""
    return trainings * spec.steps * spec.cost.seconds_per_step * spec.cost.devices / 3600


def work_beside(what: str, work: tuple[PlannedImages, ...], values: pd.DataFrame) -> list[str]:
    """Say in one line how long ``work`` takes, and in another of what no time was published; nothing for no work."""
    listed, untimed, total = [], [], 0.0
    for item in work:
        published_time = values[(values["method"] == item.method) & (values["metric"] == item.metric)]
        if published_time.empty:
            untimed.append(item.title)
            continue
        time = published_time.iloc[0]
        listed.append(f"{item.title} {time['value'] * item.images / 3600:.1f} ({item.images} × {time['printed']} s)")
        total += time["value"] * item.images / 3600
    lines = [f"{what}, in hours by the paper's times: {', '.join(listed)}; together {total:.1f}."] if listed else []
    return lines + [f"{what}: no time was published of {', '.join(untimed)}."] * bool(untimed)


def compose(spec: TrainingCostSpec, values: pd.DataFrame) -> Table:
    """Make the table: a line for each ablation, in order. A training that an earlier line has costs nothing again."""
    lines: list[tuple[Value, ...]] = []
    seen: set[str] = set()
    for ablation in spec.ablations:
        needed = set(ablation.trainings)
        new = needed - seen
        seen |= needed
        times = (f"{hours(spec, len(trainings)):.1f}" for trainings in (needed, new))
        lines.append((ablation.title, ablation.rows, len(needed), len(new), spec.steps, *times))
    cost, seeds = spec.cost, ", ".join(map(str, spec.seeds))
    total = f"All: {len(seen)} trainings, {hours(spec, len(seen)):.1f} {cost.device}-hours"
    banner = f"{total} ({len(spec.seeds)} of each variant, seeds {seeds})."
    notes = [
        f"A step takes {cost.seconds_per_step} s on {cost.devices} × {cost.device}; {cost.source}.",
        "Every variant is counted as the default one; measuring, and restoring by OSEDiff, are not counted.",
        *work_beside("Restoring by the baselines", spec.restorations, values),
        *work_beside("Prompts of the training crops", spec.extractions, values),
    ]
    columns = [Column(title, title, number=title != "ablation") for title in HEAD]
    title = f"Plan of the ablations, {spec.preset} preset"
    return Table(title, columns, [plain_rows(columns, lines)], "An estimate, made before anything ran.", banner, notes)


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.tables.training_cost", __doc__)
    parser.add_argument("--published", type=Path, nargs="+", default=[], help="CSV files of published values")
    parser.add_argument("--spec", type=Path, required=True, help="YAML: TrainingCostSpec of benchmark.tables.specs")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    args = parser.parse_args()
    values = published.load(args.published, read_metrics(args.registry))
    text = markdown(compose(settings.read(args.spec, TrainingCostSpec), values))
    write_text(args.out, text)
    print(text)


if __name__ == "__main__":
    run(main)
