"""Estimate the cost of the ablations before anything runs: trainings and device-hours of each table.

python -m benchmark.tables.training_cost --spec FILE.yaml --out results/training_cost.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.tables.render import markdown
from benchmark.tables.specs import TrainingCostSpec
from benchmark.tables.table import Column, Table, Value, plain_rows
from osediff.common import settings
from osediff.common.errors import run
from osediff.common.files import write_text

HEAD = ("ablation", "rows", "trainings", "new ones", "steps each", "hours alone", "hours added")


def hours(spec: TrainingCostSpec, trainings: int) -> float:
    """Return the device-hours of ``trainings``: steps times seconds, times the devices that share a step."""
    return trainings * spec.steps * spec.cost.seconds_per_step * spec.cost.devices / 3600


def compose(spec: TrainingCostSpec) -> Table:
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
        "Every variant is counted as the default one; restoring, measuring and extracting prompts are not counted.",
    ]
    columns = [Column(title, title, number=title != "ablation") for title in HEAD]
    title = f"Plan of the ablations, {spec.preset} preset"
    return Table(title, columns, [plain_rows(columns, lines)], "An estimate, made before anything ran.", banner, notes)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.training_cost", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=Path, required=True, help="YAML: TrainingCostSpec of benchmark.tables.specs")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    args = parser.parse_args()
    text = markdown(compose(settings.read(args.spec, TrainingCostSpec)))
    write_text(args.out, text)
    print(text)


if __name__ == "__main__":
    run(main)
