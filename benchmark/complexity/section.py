"""Run one section of the GPU report in a separate process.

python -m benchmark.complexity.section --spec FILE.yaml --out FILE.json
"""

from __future__ import annotations

from pathlib import Path

from benchmark.complexity.entry_points import failure_line, load_entry_point
from benchmark.complexity.specs import EntryPoint, Options
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import write_json
from osediff.common.settings import Settings, Text, read


class SectionSpec(Settings):
    """A function to call, and its keyword arguments."""

    entry_point: EntryPoint
    options: Options


class ReportRow(Settings):
    """One measured quantity."""

    quantity: Text
    value: float
    unit: str
    note: str


class SectionResult(Settings):
    """The rows of a section, or the reason why there are none."""

    rows: tuple[ReportRow, ...] = ()
    failed: str = ""


def run_entry_point(spec: SectionSpec) -> SectionResult:
    """Call the entry point, which returns rows ``(quantity, value, unit, note)``; InputError if it fails."""
    function = load_entry_point(spec.entry_point)
    try:
        rows = function(**spec.options)
    except InputError:
        raise
    except Exception as error:
        raise InputError(failure_line(error)) from error
    return SectionResult(
        rows=tuple(
            ReportRow(quantity=quantity, value=float(value), unit=unit, note=note)
            for quantity, value, unit, note in rows
        )
    )


def main() -> None:
    """Command line: a spec in, rows out."""
    parser = make_parser("benchmark.complexity.section", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file, see SectionSpec")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    write_json(args.out, run_entry_point(read(args.spec, SectionSpec)).model_dump(mode="json"))


if __name__ == "__main__":
    run(main)
