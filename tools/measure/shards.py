"""Wall time of restoring a test set in shards, for a method that takes fixed seconds: loading, and each image.

    python -m tools.measure.shards --images 240 --seconds 0.3 --loading 10

Each shard is a process of the same code that restores real test sets; the method sleeps in place of computing, so that
one machine can stand for many GPUs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from osediff.common.files import read_json
from osediff.common.images import write_png
from osediff.common.restore_folder import restore_folder
from osediff.common.shards import gather, parse_shard

SLOTS = (1, 2, 4, 8, 16)


def restore_shard(folder: Path, name: str, seconds: float, loading: float) -> None:
    """Restore one shard with a method that sleeps, and print the seconds that it took after loading."""
    time.sleep(loading)
    started = time.perf_counter()

    def restore(lr: np.ndarray, stem: str) -> np.ndarray:
        time.sleep(seconds)
        return lr.repeat(4, 0).repeat(4, 1)

    shard = folder / name
    restore_folder(folder / "LR", shard / "SR", shard / "run.json", restore, {}, 4, parse_shard(name))
    print(time.perf_counter() - started)


def measure(folder: Path, slots: int, arguments: list[str]) -> tuple[float, float]:
    """Return the seconds that ``slots`` processes and the gathering take, and of the slowest, after loading."""
    names = [f"{number}-of-{slots}" for number in range(1, slots + 1)]
    command = [sys.executable, "-m", "tools.measure.shards", *arguments, "--folder", str(folder), "--shard"]
    started = time.perf_counter()
    jobs = []
    for name in names:
        with (folder / f"{name}.log").open("w") as log:  # no pipe: its bar could fill one while others are awaited
            jobs.append(subprocess.Popen([*command, name], text=True, stdout=subprocess.PIPE, stderr=log))
    restoring = [float(job.communicate()[0] or "nan") for job in jobs]
    for name, job in zip(names, jobs, strict=True):
        if job.returncode:
            said = (folder / f"{name}.log").read_text().split("\n")
            sys.exit(f"error: shard {name} ended with {job.returncode}: {next(filter(None, reversed(said)), '')}")
    gather([folder / name for name in names], folder / "SR", folder / "run.json")
    return time.perf_counter() - started, max(restoring)


def main() -> None:
    """Print the wall time for 1 to 16 slots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each image")
    parser.add_argument("--loading", type=float, default=10, help="seconds before the first image")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--shard", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.shard:
        restore_shard(args.folder, args.shard, args.seconds, args.loading)
        return
    print("| slots | seconds, with start and gathering | seconds after loading | times fewer |\n|--:|--:|--:|--:|")
    before: object = None
    first = 0.0
    for slots in SLOTS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for number in range(args.images):
                write_png(folder / "LR" / f"{number:04d}.png", np.full((16, 16, 3), number % 256, np.uint8))
            taken, net = measure(folder, slots, ["--seconds", str(args.seconds), "--loading", str(args.loading)])
            record = read_json(folder / "run.json")
        if before not in (None, record):
            sys.exit("the shards gave another record than one job")
        before, first = record, first or net
        print(f"| {slots} | {taken:.1f} | {net:.1f} | {first / net:.1f} |", flush=True)


if __name__ == "__main__":
    main()
