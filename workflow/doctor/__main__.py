"""Say which step of the paper walk is done, what is missing, and the next command.

    python3 bench.py doctor --preset paper
    python -m workflow.doctor --preset paper

At the paper preset, the numbers are those of docs/paper-walk.md. Nothing is run, fetched or written. The exit code is 0
if every step that is not optional is done, else 1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from benchmark.tables.specs import Preset
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.validation import read_yaml
from workflow.doctor.steps import Step, steps
from workflow.planning import checks, loader
from workflow.planning.recipes import merge

SHOWN = 4  # missing files of a step that are named


def configuration_files(preset: str, more: list[Path]) -> list[Path]:
    """Return the files of ``--configfile`` for ``preset``; none for the demo."""
    return [*([] if preset == "demo" else [Path(f"config/{preset}.yaml")]), *more]


def command(step: Step, files: list[Path]) -> str:
    """Return the command that does ``step``."""
    if not step.targets:
        return ""
    missing = [target for target in step.targets if target in step.missing] or list(step.targets)
    configured = ["--configfile", *map(str, files)] if files else []
    return " ".join(["python3 bench.py", *([] if missing == ["all"] else missing), *configured])


def described(number: int, step: Step) -> list[str]:
    """Return the lines of a step: state and title, and its missing files."""
    missing = step.missing
    state = "done" if not missing else "optional" if step.optional else "to do"
    done = len(step.files) - len(missing)
    lines = [f"{number:2} {state:8} {step.title}: {done} of {len(step.files)}"]
    if missing:
        lines += [f"            missing: {name}" for name in missing[:SHOWN]]
        lines += [f"            and {len(missing) - SHOWN} more"] * (len(missing) > SHOWN)
        lines += [f"            by hand: {text}" for text in step.by_hand]
    return lines


def main() -> None:
    """Command line."""
    parser = make_parser("workflow.doctor", __doc__)
    parser.add_argument("--preset", choices=get_args(Preset), default="demo")
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], metavar="FILE", help="over the preset's, as snakemake has it"
    )
    args = parser.parse_args()
    files = configuration_files(args.preset, args.configfile)
    content = read_yaml(Path("config/config.yaml"))
    for file in files:
        change = read_yaml(file)
        if not isinstance(change, dict):
            raise InputError(f"{file}: must hold keys and values, as config/config.yaml does")
        content = merge(content, change)
    bench = loader.load(content, Path())
    checks.check_folders(bench)
    every = steps(bench)
    for number, step in enumerate(every, 1):
        print(*described(step.number if args.preset == "paper" else number, step), sep="\n")
    following = next((step for step in every if step.missing and not step.optional), None)
    if following is None:
        print("Every step is done: results/ has the tables.")
        return
    if following.by_hand:
        print(f"Next: {following.title}: put the files there that are named above as `by hand`")
    else:
        print(f"Next: {command(following, files)}")
    sys.exit(1)


if __name__ == "__main__":
    run(main)
