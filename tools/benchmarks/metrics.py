"""Time of metrics over several methods: pyiqa one after the other against this suite, same images, one core.

    python -m tools.benchmarks.metrics --hr DIR --sr DIR ... --groups psnr,ssim,niqe lpips dists --record metrics

Each folder of ``--sr`` is a method. Both sides measure every image of every method and take turns; each group of
metrics is one piece of work. Reading is counted, building the networks is not, and a first image does not count.
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
    matched = [(sr, hr) for method in args.sr for _, sr, hr in pairs(method, args.hr)[: args.images]]
    largest: dict[str, float] = defaultdict(float)
    for group, names in groups.items():
        for side in sides.values():
            side.ask(metrics=names, sr=matched[0][0], hr=matched[0][0])
        for sr, hr in tqdm(matched, desc=group, unit="pair"):
            answers = {name: side.ask(metrics=names, sr=sr, hr=hr) for name, side in sides.items()}
            for name, answer in answers.items():
                recorder.add(group, name, answer)
            values = [answers[name]["values"] for name in SIDES]
            largest[group] = max(largest[group], *(abs(values[0][name] - values[1][name]) for name in names))
        recorder.differences.append(Difference(work=group, side="ours", largest=largest[group]))
    for side in sides.values():
        side.end()
    recorder.write(args.record)


if __name__ == "__main__":
    run(main)
