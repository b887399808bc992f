"""Time of metrics over several methods: pyiqa one after the other against this suite, same images, one core.

    python -m tools.benchmarks.metrics --hr DIR --sr DIR ... --groups psnr,ssim,niqe lpips dists --record metrics

Each folder of ``--sr`` is a method. Both sides measure every image of every method and take turns. Each group of
metrics is one piece of work, and a run is an HR image with all its methods, since these share what is computed of it.
Reading is counted, building the networks is not, and a first image does not count.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path

from tqdm import tqdm

from osediff.common.errors import run
from osediff.common.images import pairs
from tools.benchmarks.record import Difference, Recorder
from tools.benchmarks.side import Side

SIDES = ("pyiqa", "ours")


def main() -> None:
    """Command line: folders of images in, a record out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hr", type=Path, required=True)
    parser.add_argument("--sr", type=Path, nargs="+", required=True)
    parser.add_argument("--groups", nargs="+", default=["psnr,ssim,niqe"], help="metrics that are measured together")
    parser.add_argument("--images", type=int, help="of each folder (default: all)")
    parser.add_argument("--record", required=True, help="name of the record")
    args = parser.parse_args()
    groups = {group: group.split(",") for group in args.groups}
    metrics = list(dict.fromkeys(name for names in groups.values() for name in names))
    recorder = Recorder("tools.benchmarks.metrics", SIDES, ("torch", "pyiqa", "numpy"), threads=1)
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = ("-m", "tools.benchmarks.sides.metrics", "--metrics", *metrics, "--library")
    sides = {name: Side(*command, name, **os.environ | one) for name in SIDES}
    methods_of: dict[Path, list[Path]] = defaultdict(list)
    for method in args.sr:
        for _, sr, hr in pairs(method, args.hr)[: args.images]:
            methods_of[hr].append(sr)
    first = next(iter(methods_of.values()))[0]
    largest: dict[str, float] = defaultdict(float)
    for group, names in groups.items():
        for side in sides.values():
            side.ask(metrics=names, sr=first, hr=first)
        for hr, images in tqdm(methods_of.items(), desc=group, unit="HR image"):
            total = {name: {"wall": 0.0, "cpu": 0.0, "peak": 0.0} for name in sides}
            for sr in images:
                answers = {name: side.ask(metrics=names, sr=sr, hr=hr) for name, side in sides.items()}
                for name, answer in answers.items():
                    sums = {field: total[name][field] + answer[field] for field in ("wall", "cpu")}
                    total[name] = {**sums, "peak": answer["peak"]}
                values = [answers[name]["values"] for name in SIDES]
                largest[group] = max(largest[group], *(abs(values[0][name] - values[1][name]) for name in names))
            for name in sides:
                recorder.add(group, name, total[name])
        recorder.differences.append(Difference(work=group, side="ours", largest=largest[group]))
    for side in sides.values():
        side.end()
    recorder.write(args.record)


if __name__ == "__main__":
    run(main)
