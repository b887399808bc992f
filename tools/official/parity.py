"""One training step of the official code and one of ours: the same losses, and the same gradient of every parameter?

    python -m tools.official.parity --official CHECKOUT --backbone DIR --work DIR --crop 64

CHECKOUT is a clone of cswry/OSEDiff, whose training script is run as it is (by sides/official_training.py). Both sides
get the same pretrained weights, adapters, images, prompts, noise and timesteps, in float32. With ``--trains mid-block``
the regularizer is as that script leaves it, with ``all`` (the paper's) its three adapters are made active.
A difference of gradients is |ours - theirs| / |theirs| (Euclidean), of one tensor and of all. Exit code 1 where one of
all, or of a loss, is above the tolerance.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor

from tools.official.sides import training_sides


def differences(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> tuple[float, float, float]:
    """Of all tensors together, the largest of one, and the norm; SystemExit if one side lacks a tensor.

    One is left out where its norm is below 1e-6 of all: it should be zero (attention over a single position has no
    gradient on queries and keys), and is rounding.
    """
    if ours.keys() != theirs.keys():
        raise SystemExit(f"error: gradients of one side only: {sorted(ours.keys() ^ theirs.keys())[:5]}")
    off = {name: float((ours[name] - theirs[name]).double().norm()) for name in ours}
    norms = {name: float(theirs[name].double().norm()) for name in ours}
    norm, of_all = (math.hypot(*values.values()) for values in (norms, off))
    return of_all / norm, max(off[name] / norms[name] for name in ours if norms[name] > 1e-6 * norm), norm


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--backbone", type=Path, required=True, help="folder in diffusers' layout")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the sides are given and tell")
    parser.add_argument("--crop", type=int, default=64, help="pixels")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--trains", choices=["all", "mid-block"], default="all")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--tolerance", type=float, default=1e-4)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    given = training_sides.given(args.backbone, args.crop, args.batch, args.trains)
    torch.save(given | {"gradients": True}, args.work / "given.pt")
    options = {"backbone": args.backbone, "given": args.work / "given.pt", "threads": args.threads}
    theirs = training_sides.run("official", args.work, "official", official=args.official, **options)
    ours = training_sides.run("ours", args.work, "ours", **options)
    worst = 0.0
    for name, (official_term, weight) in training_sides.LOSSES.items():
        mine, their = ours["losses"][0][name] * weight, theirs["losses"][0][official_term]
        worst = max(worst, off := abs(mine - their) / abs(their))
        print(f"{name}: ours {mine:.8g}, official {their:.8g}, off by {off:.2g}")
    by_network = training_sides.to_official_names(ours["gradients"])
    for network, gradients in by_network.items():
        of_all, of_one, norm = differences(gradients, theirs["gradients"][network])
        worst = max(worst, of_all)
        shares = f"off by {of_all:.2g} of it; one by {of_one:.2g}"
        print(f"gradients, {network}: {len(gradients)} tensors, norm {norm:.5g}, {shares}")
    print(f"largest: {worst:.2g}, tolerance {args.tolerance:g}; torch {torch.__version__}, {args.threads} threads")
    if worst > args.tolerance:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
