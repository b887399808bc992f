"""Time and memory of planning the paper preset, ``snakemake -n``, against methods, test sets, shards and seeds.

    python -m tools.measure.plan [--rows N]

Each row is a dry run in a copy of the files that git knows, where nothing has run. The last row is the whole: all
methods, all test sets in 20 shards, all ablations with three seeds. Time is CPU time of user and system, so that other
work on the machine counts little.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# In the order of the table in docs/measurements.md: the first ones include a training.
METHODS = (
    "bicubic",
    "osediff-official",
    "osediff",
    "bsrgan",
    "real-esrgan",
    "ldl",
    "femasr",
    "stablesr",
    "diffbir",
    "seesr",
    "pasd",
    "resshift",
    "sinsr",
    "osediff-official-images",
)
TEST_SETS = ("realsr", "drealsr", "div2k-val")
# Methods, test sets, shards, seeds of the ablations (0: without them).
ROWS = (
    (3, 1, 1, 0),
    (14, 1, 1, 0),
    (14, 3, 1, 0),
    (14, 3, 5, 0),
    (14, 3, 10, 0),
    (7, 3, 20, 0),
    (14, 1, 20, 0),
    (14, 3, 20, 0),
    (14, 3, 20, 1),
    (14, 3, 20, 3),
)


def command(methods: int, test_sets: int, shards: int, seeds: int) -> list[str]:
    """Return the command of one row."""
    chosen = TEST_SETS[:test_sets]
    values = [f"methods={list(METHODS[:methods])}", f"test_sets={list(chosen)}", "pictures=[]", "tables=[table1]"]
    values += [f"shards={dict.fromkeys(chosen, shards)}", f"seeds={list(range(seeds or 1))}"]
    targets = ["all", "ablations"] if seeds else ["all"]
    configuration = ["--configfile", "config/paper.yaml", "--config", *(value.replace("'", "") for value in values)]
    return [sys.executable, "-m", "snakemake", "-n", "--cores", "1", *targets, *configuration]


def measure(folder: Path, row: tuple[int, int, int, int]) -> str:
    """Return a row of the table: what is planned, jobs, seconds of CPU, of the clock, and peak memory."""
    with (folder / "plan.txt").open("w") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command(*row), cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        clock = time.perf_counter() - started
    text = (folder / "plan.txt").read_text()
    if status:
        sys.exit(text)
    jobs = int(re.findall(r"^total +(\d+)", text, re.MULTILINE)[-1])
    cpu, megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    return f"| {' | '.join(map(str, row))} | {jobs} | {cpu:.2f} | {clock:.1f} | {megabytes:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=len(ROWS), help="only the last N rows")
    args = parser.parse_args()
    print("| methods | test sets | shards | seeds | jobs | CPU, s | clock, s | peak, MB |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    for row in ROWS[-args.rows :]:
        with tempfile.TemporaryDirectory() as name:
            subprocess.run(["git", "checkout-index", "--all", f"--prefix={name}/"], cwd=ROOT, check=True)
            print(measure(Path(name), row), flush=True)


if __name__ == "__main__":
    main()
