"""How long commands take to their first line: an older checkout of this repository against this one, in turns.

    python -m tools.benchmarks.startup --before CHECKOUT

Both sides run on the demo's checkpoint and backbone. A command that prints nothing is timed to its end. The processes
are new ones, and the files are in the memory of the system after a first run, which does not
count. CPU time is that of the process up to the line.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil

from osediff.common.images import write_png
from tools.benchmarks.record import Recorder

COMMANDS = {
    "import osediff": ("-c", "import osediff"),
    "from osediff import OSEDiff": ("-c", "from osediff import OSEDiff"),
    "osediff.restore": ("-m", "osediff.restore", "--input", "LR", "--output", "SR"),
    "osediff.restore --help": ("-m", "osediff.restore", "--help"),
    "osediff.train --help": ("-m", "osediff.train", "--help"),
    "benchmark.evaluation.evaluate": (
        *("-m", "benchmark.evaluation.evaluate", "--sr", "LR", "--hr", "HR", "--out", "values.csv"),
        *("--metrics", "psnr", "lpips"),
    ),
    "benchmark.tables.quality --help": ("-m", "benchmark.tables.quality", "--help"),
    "benchmark.figures.radar --help": ("-m", "benchmark.figures.radar", "--help"),
    "bench.py doctor": ("-m", "workflow.doctor"),
}


def time_first_line(command: list[str], checkout: Path) -> dict[str, float]:
    """Run ``command`` in ``checkout`` until it prints something or ends; return its seconds and memory."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.read(1)  # a bar has no end of a line
    wall = time.perf_counter() - start
    seen = psutil.Process(process.pid)
    times, memory = seen.cpu_times(), seen.memory_info().rss / 1e9
    os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    process.wait()
    return {"wall": wall, "cpu": times.user + times.system, "peak": memory}


def main() -> None:
    """Command line: a checkout in, a record out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="checkout of an older commit")
    parser.add_argument("--only", nargs="+", choices=list(COMMANDS), default=list(COMMANDS), metavar="COMMAND")
    parser.add_argument("--repeats", type=int, default=3, help="after one that does not count")
    parser.add_argument("--record", default="startup", help="name of the record")
    args = parser.parse_args()
    sides = {"before": args.before.resolve(), "now": Path.cwd()}
    recorder = Recorder("tools.benchmarks.startup", tuple(sides), ("torch", "diffusers", "transformers"), threads=1)
    with TemporaryDirectory() as folder:
        for name in ("LR", "HR"):
            for image in range(2):
                write_png(Path(folder) / name / f"{image}.png", np.full((64, 64, 3), 60 * image, np.uint8))
        paths = {name: str(Path(folder) / name) for name in ("LR", "HR", "SR", "values.csv")}
        for work in args.only:
            command = [sys.executable, *(paths.get(argument, argument) for argument in COMMANDS[work])]
            for repeat in range(args.repeats + 1):
                for side, checkout in sides.items():
                    answer = time_first_line(command, checkout)
                    if repeat:
                        recorder.add(work, side, answer)
    recorder.write(args.record)


if __name__ == "__main__":
    main()
