"""Write the tables of docs/measurements.md that are made of the records of benchmarks, or check them.

    python -m tools.benchmarks.render
    python -m tools.benchmarks.render --check

A table stands between ``<!-- benchmark NAME -->`` and ``<!-- end of benchmark -->``; NAME is a file of
tools/benchmarks/records.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from osediff.common.errors import InputError, run
from osediff.common.files import write_text
from tools.benchmarks.record import Record, Run, read_record

DOCUMENT = Path("docs/measurements.md")
REGION = re.compile(r"<!-- benchmark (\S+) -->\n.*?<!-- end of benchmark -->", re.DOTALL)


HEADER = ("work", "side", "runs", "wall, s", "CPU, s", "peak, GB", "largest difference")


def render_figure(runs: Sequence[Run], reference: Sequence[Run], field: str) -> str:
    """Return the median of ``field`` over ``runs``, and its ratio to that over ``reference``."""
    median, of = (statistics.median(getattr(done, field) for done in some) for some in (runs, reference))
    digits = 3 if median < 1 else 2
    ratio = f" ({median / of:.3f})" if runs is not reference and of else ""
    return f"{median:.{digits}f}{ratio}"


def render_table(record: Record) -> str:
    """Return the table of ``record`` as Markdown: a row for each piece of work and side."""
    rows = [f"| {' | '.join(HEADER)} |", "|---|---|--:|--:|--:|--:|--:|"]
    differences = {(of.work, of.side): f"{of.largest:.2g} {of.unit}".strip() for of in record.differences}
    for work in dict.fromkeys(done.work for done in record.runs):
        by_side = {
            side: [done for done in record.runs if (done.work, done.side) == (work, side)] for side in record.sides
        }
        by_side = {side: runs for side, runs in by_side.items() if runs}
        reference = next(iter(by_side.values()))
        for side, runs in by_side.items():
            figures = [render_figure(runs, reference, field) for field in ("wall", "cpu")]
            peak = f"{max(done.peak for done in runs):.2f}"
            cells = [work, side, str(len(runs)), *figures, peak, differences.get((work, side), "")]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def render_record(record: Record) -> str:
    """Return the text of ``record`` as Markdown: its table, and what ran where."""
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    before, after = record.load
    threads = "1 thread" if record.threads == 1 else f"{record.threads} threads"
    return f"""
{render_table(record)}

Medians; in parentheses, the ratio to the first side. The sides took turns in one run. {record.machine}, {threads};
{record.date}; commit {record.commit}; {versions}. Load of the machine before and after: {before}, {after}.

    {record.command}

"""


def render_document(text: str) -> str:
    """Return ``text`` with all its regions rendered again."""
    return REGION.sub(
        lambda found: f"<!-- benchmark {found[1]} -->\n{render_record(read_record(found[1]))}<!-- end of benchmark -->",
        text,
    )


def main() -> None:
    """Command line: the document is rendered again, or checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the document is out of date")
    args = parser.parse_args()
    before = DOCUMENT.read_text(encoding="utf-8")
    after = render_document(before)
    if args.check and before != after:
        raise InputError(f"{DOCUMENT}: is not what the records say; run python -m tools.benchmarks.render")
    if before != after:
        write_text(DOCUMENT, after)


if __name__ == "__main__":
    run(main)
