"""How long commands take to their first line: an older checkout of this repository against this one, in turns.

    python -m tools.benchmarks.startup --before CHECKOUT

Both sides run on the demo's checkpoint and backbone. The dry run is timed to its end. The processes are new ones, and
the files are in the memory of the system after a first run, which does not count. CPU time and the highest memory are
those of the process up to the line, or of the whole process if it has ended. The memory of a process that has ended is
at least that of this one, which starts it (getrusage(2)).
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from osediff.common.errors import InputError, run
from osediff.common.images import write_png
from tools.benchmarks.record import Recorder
from tools.official.sides.serving import peak

COMMANDS = {
    "import osediff": ("-c", "import osediff; input('imported')"),
    "from osediff import OSEDiff": ("-c", "from osediff import OSEDiff; input('imported')"),
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
    "snakemake -n results/table1.csv": ("-m", "snakemake", "-n", "--cores", "1", "results/table1.csv"),
}
TO_THE_END = ("snakemake -n results/table1.csv",)


def time_first_line(command: list[str], checkout: Path, to_end: bool) -> dict[str, float]:
    """Run ``command`` in ``checkout`` until it prints something, or to its end; return its seconds and memory.

    Raises:
        InputError: its first line says that it failed, or it ended with an error.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=checkout,
        stdin=subprocess.PIPE,  # nothing comes, so that what asks waits
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    # Not a line: a bar has no end of one.
    printed = process.stdout.read() if to_end else os.read(process.stdout.fileno(), 4096)
    wall = time.perf_counter() - start
    highest = None
    if printed and not to_end:
        with suppress(IndexError):  # it ended in this moment
            highest = peak(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
    process.stdin.close()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if printed.startswith((b"error:", b"Traceback")) or process.returncode > 0:
        said = printed.decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
        raise InputError(f"{shlex.join(command)} failed in {checkout}: {said[-1] if to_end else said[0]}")
    return {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": highest or usage.ru_maxrss * 1024 / 1e9,
    }


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
                    answer = time_first_line(command, checkout, work in TO_THE_END)
                    if repeat:
                        recorder.add(work, side, answer)
    recorder.write(args.record)


if __name__ == "__main__":
    run(main)
