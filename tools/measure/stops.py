"""Seconds from SIGTERM to Snakemake alone, as a scheduler sends it, until it and its job have ended.

    python -m tools.measure.stops --folder COPY --times 5

COPY is a copy of this repository; jobs of the demo run in it. A job of each kind is started and stopped at a random
moment, again and again; a training continues from its saved state each time. Whether the bytes are those of an
undisturbed run, the tests and the fault campaign say.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

# Module and output of a job, by rule.
JOBS = {
    "train": ("osediff.train", "runs/demo/train/osediff/demo/0/adapters.safetensors"),
    "restore": ("osediff.restore", "runs/demo/restore/osediff-shipped/demo-synthetic/run.json"),
    "evaluate": ("benchmark.evaluation.evaluate", "runs/demo/evaluate/osediff-shipped/demo-synthetic.csv"),
}
LONGEST = 12.0  # seconds from the start of a job to the signal
SNAKEMAKE = (sys.executable, "-m", "snakemake", "--cores", "1", "--quiet")


def is_running(snakemake: psutil.Process, module: str) -> bool:
    """Return whether a job that runs ``module`` has begun."""
    try:
        return any(module in child.cmdline() for child in snakemake.children(recursive=True))
    except psutil.Error:
        return False


def stop_once(rule: str, folder: Path, delay: float) -> float | None:
    """Return the seconds that a job takes to end, stopped ``delay`` seconds after its start; None if it was faster.

    Raises:
        SystemExit: Snakemake failed before the signal.
    """
    module, target = JOBS[rule]
    command = [*SNAKEMAKE, "--forcerun", rule, "--", target]
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(command, cwd=folder, stdout=output, stderr=output) as process,
    ):
        snakemake = psutil.Process(process.pid)
        while process.poll() is None and not is_running(snakemake, module):
            time.sleep(0.05)
        time.sleep(delay)
        if process.poll() is not None or not is_running(snakemake, module):
            if process.wait():
                output.seek(0)
                said = [line.strip() for line in output if line.strip()]
                sys.exit(f"error: Snakemake ended with {process.returncode} in {folder}: {said[-1] if said else ''}")
            return None
        since = time.monotonic()
        process.terminate()
        process.wait()
        return time.monotonic() - since


def main() -> None:
    """Print a table: for each job, how often it was stopped, and the median and the longest time until the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="copy of the repository")
    parser.add_argument("--times", type=int, default=5, help="stops of each job")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    print("| job | stops | median seconds | longest |\n|---|--:|--:|--:|")
    for rule in JOBS:
        seconds: list[float] = []
        longest = LONGEST
        while len(seconds) < args.times:
            taken = stop_once(rule, args.folder, rng.uniform(0, longest))
            if taken is None:
                longest /= 1.5  # the job is shorter
            else:
                seconds.append(taken)
        median = sorted(seconds)[len(seconds) // 2]
        print(f"| {rule} | {len(seconds)} | {median:.1f} | {max(seconds):.1f} |", flush=True)


if __name__ == "__main__":
    main()
