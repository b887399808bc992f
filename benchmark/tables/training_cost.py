"""What the ablations would cost, before anything runs: trainings and device-hours of each table.

python -m benchmark.tables.training_cost --spec JSON --out results/plan.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from osediff.common.errors import InputError, run
from osediff.common.files import write_text

HEAD = ["ablation", "rows", "trainings", "new ones", "steps each", "hours alone", "hours added"]


def hours(spec: dict[str, Any], trainings: int) -> float:
    """Device-hours of ``trainings``: steps times seconds, times the devices that work on one step together."""
    cost = spec["cost"]
    return float(trainings * spec["steps"] * cost["seconds_per_step"] * cost["devices"] / 3600)


def markdown(spec: dict[str, Any]) -> str:
    """The plan: a line per ablation, in order; a training that a line above needs too costs nothing there."""
    lines = [f"# Plan of the ablations, {spec['preset']} preset", "", "An estimate, made before anything ran.", ""]
    lines += ["| " + " | ".join(HEAD) + " |", "|---|" + "--:|" * (len(HEAD) - 1)]
    seen: set[str] = set()
    for ablation in spec["ablations"]:
        needed = set(ablation["trainings"])
        new = needed - seen
        seen |= needed
        cells = [ablation["title"], ablation["rows"], len(needed), len(new), spec["steps"]]
        lines.append(
            "| " + " | ".join([*map(str, cells), f"{hours(spec, len(needed)):.1f}", f"{hours(spec, len(new)):.1f}"])
        )
        lines[-1] += " |"
    cost = spec["cost"]
    lines += ["", f"**All: {len(seen)} trainings, {hours(spec, len(seen)):.1f} {cost['device']}-hours** "]
    lines[-1] += f"({len(spec['seeds'])} of each variant, seeds {', '.join(map(str, spec['seeds']))})."
    lines += [
        "",
        f"A step takes {cost['seconds_per_step']} s on {cost['devices']} × {cost['device']}; {cost['source']}.",
    ]
    lines += [
        "Every variant is counted as the default one; restoring, measuring and extracting prompts are not counted."
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.training_cost", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON of workflow.planning.ablations.plan")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    args = parser.parse_args()
    lacking = {"preset", "seeds", "steps", "cost", "ablations"} - args.spec.keys()
    if lacking:
        raise InputError(f"--spec lacks {', '.join(sorted(lacking))}")
    text = markdown(args.spec)
    write_text(args.out, text)
    print(text)


if __name__ == "__main__":
    run(main)
