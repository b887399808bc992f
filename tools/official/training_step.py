"""Time and peak memory of a training step, the official script against ours, on the same batch and weights.

    python -m tools.official.training_step --official CHECKOUT --backbone data/backbones/sd2.1-random --work DIR

CHECKOUT is a clone of cswry/OSEDiff; its script is run as it is but for what sides/official_training.py says: above all
its prompt extractor, RAM, costs nothing here, where it would run in every step. Each side is a process of its own, one
after the other. A step is both losses, both backward passes and both optimizers' steps; the first does not
count. Peak memory is that of the whole process, loading included.
"""

from __future__ import annotations

import argparse
import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from tools.official.sides import training_sides


def medians(result: dict[str, Any]) -> tuple[float, float]:
    """Seconds of a step by the clock and of CPU time."""
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(result["times"][1:])]
    return statistics.median(step[0] for step in steps), statistics.median(step[1] for step in steps)


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--backbone", type=Path, required=True, help="folder in diffusers' layout")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the sides are given and tell")
    parser.add_argument("--crops", type=int, nargs="+", default=[64, 128], help="pixels")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument(
        "--trains", choices=["all", "mid-block"], default="mid-block", help="mid-block: as in the official code"
    )
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    parser.add_argument("--steps", type=int, default=4, help="the first does not count")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    for crop in args.crops:
        torch.save(training_sides.given(args.backbone, crop, args.batch, args.trains), args.work / "given.pt")
        options: dict[str, Any] = {"backbone": args.backbone, "given": args.work / "given.pt", "threads": args.threads}
        options |= {"steps": args.steps, "gradient_checkpointing": args.gradient_checkpointing}
        theirs = training_sides.run("official", args.work, "official", official=args.official, **options,
                                    precision="no" if args.precision == "fp32" else args.precision)  # fmt: skip
        ours = training_sides.run("ours", args.work, "ours", precision=args.precision, **options)
        for name, result in (("official", theirs), ("ours", ours)):
            clock, cpu = medians(result)
            of = [mine / their for mine, their in zip(medians(result), medians(theirs), strict=True)]
            print(
                f"{crop} px, {args.precision}, {name}: {clock:.2f} s by the clock ({of[0]:.3f}), {cpu:.2f} s of CPU"
                f" time ({of[1]:.3f}), peak {result['peak']:.2f} GB ({result['peak'] / theirs['peak']:.3f})",
                flush=True,
            )
    print(f"batch {args.batch}, regularizer trains {args.trains}, {args.threads} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main()
