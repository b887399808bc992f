"""Time and peak memory of a training step, the official script against ours, on the same batch and weights.

    python -m tools.benchmarks.training --official CHECKOUT --backbone data/backbones/sd2.1-random --work DIR

CHECKOUT is a clone of cswry/OSEDiff; its script is run as it is but for what official/sides/official_training.py says:
above all its prompt extractor, RAM, costs nothing here, where it would run in every step. Each side is a process of its
own, and the processes alternate, since two of them do not fit into 24 GB. A step is both losses, both backward passes
and both optimizers' steps; the first of a process does not count. Peak memory is that of the whole process, loading
included.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from tools.benchmarks.record import Recorder
from tools.official.sides import training_sides

SIDES = ("official", "ours")


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--backbone", type=Path, required=True, help="folder in diffusers' layout")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the sides are given and tell")
    parser.add_argument("--crops", type=int, nargs="+", default=[64, 128], help="pixels")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument(
        "--trains", choices=["all", "mid-block"], default="mid-block", help="mid-block: as in the official code"
    )
    parser.add_argument("--precisions", choices=["fp32", "bf16"], nargs="+", default=["fp32"])
    parser.add_argument("--gradient-checkpointing", action="store_true")
    parser.add_argument("--steps", type=int, default=4, help="of a process; the first does not count")
    parser.add_argument("--rounds", type=int, default=2, help="processes of each side")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--record", default="training", help="name of the record")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    recorder = Recorder("tools.benchmarks.training", SIDES, ("torch", "diffusers", "peft"), args.threads)
    settings = [(crop, precision) for crop in args.crops for precision in args.precisions]
    for crop, precision in settings:
        torch.save(training_sides.given(args.backbone, crop, args.batch, args.trains), args.work / "given.pt")
        options: dict[str, Any] = {"backbone": args.backbone, "given": args.work / "given.pt", "threads": args.threads}
        options |= {"steps": args.steps, "gradient_checkpointing": args.gradient_checkpointing}
        of_side: dict[str, dict[str, Any]] = {
            "official": {"official": args.official, "precision": "no" if precision == "fp32" else precision},
            "ours": {"precision": precision},
        }
        for _ in tqdm(range(args.rounds), desc=f"{crop} pixels, {precision}"):
            for side in SIDES:
                result = training_sides.run(side, args.work, side, **options, **of_side[side])
                for before, after in pairwise(result["times"][1:]):
                    wall, cpu = (end - start for start, end in zip(before, after, strict=True))
                    answer = {"wall": wall, "cpu": cpu, "peak": result["peak"]}
                    recorder.add(f"{crop} pixels, {precision}", side, answer)
    recorder.write(args.record)


if __name__ == "__main__":
    main()
