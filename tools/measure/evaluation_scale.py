"""Time and memory of benchmark.evaluation.evaluate on thousands of pairs: one process and all cores.

    python -m tools.measure.evaluation_scale --sr DIR --hr DIR --pairs 3000 --metrics psnr ssim niqe

The pairs of the folders are used again under other names until there are ``--pairs``. Memory is the largest sum, over
all processes of an evaluation, of their proportional set sizes (a page that n processes share counts 1/n in each); it
is sampled five times a second. Linux only.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from osediff.common.images import pairs


def descendants(pid: int) -> list[int]:
    """``pid`` and all processes below it."""
    processes = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            processes += descendants(int(child))
    return processes


def memory(pid: int) -> int:
    """Proportional set size of ``pid`` and all processes below it, in bytes."""
    total = 0
    try:
        for process in descendants(pid):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        pass  # one has just ended
    return total


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sr", type=Path, required=True)
    parser.add_argument("--hr", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=3000)
    parser.add_argument("--metrics", nargs="+", default=["psnr", "ssim", "niqe"])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, len(os.sched_getaffinity(0))])
    args = parser.parse_args()
    matched, results = pairs(args.sr, args.hr), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("sr", "hr"):
            (folder / name).mkdir()
        for index in range(args.pairs):
            stem, *paths = matched[index % len(matched)]
            for name, path in zip(("sr", "hr"), paths, strict=True):
                (folder / name / f"{stem}-{index // len(matched)}.png").symlink_to(path.resolve())
        for workers in args.workers:
            out = folder / f"{workers}.csv"
            command = [
                sys.executable,
                "-m",
                "benchmark.evaluation.evaluate",
                "--sr",
                str(folder / "sr"),
                "--hr",
                str(folder / "hr"),
            ]
            command += ["--out", str(out), "--workers", str(workers), "--metrics", *args.metrics]
            before, start, peak = os.times(), time.perf_counter(), 0
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
                while process.poll() is None:
                    peak = max(peak, memory(process.pid))
                    time.sleep(0.2)
            wall, after = time.perf_counter() - start, os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            print(f"{workers} workers: {wall:.1f} s wall, {cpu:.1f} s CPU, {args.pairs / wall:.1f} pairs/s,", end=" ")
            print(f"{cpu / wall:.2f} cores busy, {peak / 1e9:.2f} GB at most", flush=True)
            results.append(out.read_bytes())
    print("same bytes" if len(set(results)) == 1 else "the results differ")


if __name__ == "__main__":
    main()
