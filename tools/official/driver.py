"""Does the adapter of a baseline make the image that the baseline's own driver makes, to the byte?

    python -m tools.official.driver --baseline sinsr --checkout CHECKOUT --lr IMAGE --work DIR

CHECKOUT is a clone of the baseline's repository at the commit of its descriptor, which is not verified. Both sides get
the same random weights, the same image (cut to --width and --height) and the same seed, on the CPU in float32. The
modules ``sides/drivers.py``, ``sides/lora_drivers.py`` and ``sides/one_step_drivers.py`` say how the networks are
reduced and what is replaced around the driver. Exit code 1 where a value differs.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from baselines.runner.adapters import import_adapter
from baselines.runner.descriptor import read_descriptor
from baselines.shared.random_weights import write_random
from osediff.common.errors import run
from osediff.common.images import read_rgb, write_png
from tools.official.sides.drivers import DRIVERS, drive

SEED = 231


def main() -> None:
    """Read the command line, run both sides, and compare their images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", choices=sorted(DRIVERS), required=True)
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--lr", type=Path, required=True, help="LR image")
    parser.add_argument("--width", type=int, default=87, help="pixels")
    parser.add_argument("--height", type=int, default=101, help="pixels")
    parser.add_argument("--work", type=Path, required=True, help="folder for weights and images")
    args = parser.parse_args()
    work, driver = args.work.resolve(), DRIVERS[args.baseline]
    work.mkdir(parents=True, exist_ok=True)
    if not (work / driver.folder).exists():
        (work / driver.folder).symlink_to(args.checkout.resolve())
    lr = work / "lr" / "image.png"
    lr.parent.mkdir(exist_ok=True)
    write_png(lr, np.ascontiguousarray(read_rgb(args.lr)[: args.height, : args.width]))

    descriptor = read_descriptor(args.baseline)
    adapter = import_adapter(args.baseline, descriptor.runs.entry, descriptor.values)
    adapter = replace(adapter, options=adapter.options.model_copy(update=driver.changes))
    driver.reduce(adapter.module)
    for path, content in adapter.layout(work).items():
        if not (work / "weights" / path).exists():
            (work / "weights" / path).parent.mkdir(parents=True, exist_ok=True)
            write_random(work / "weights" / path, content, SEED)
    restore = adapter.load(work, "cpu", work / "cache")
    torch.manual_seed(SEED)
    ours = restore(read_rgb(lr), lr.stem, SEED)
    drive(args.baseline, adapter.options, work, lr.parent, work / "theirs", SEED)
    theirs = read_rgb(work / "theirs" / lr.name)
    if ours.shape != theirs.shape:
        raise SystemExit(f"ours has the shape {ours.shape}, theirs {theirs.shape}")
    off = np.abs(ours.astype(int) - theirs)
    print(f"{args.baseline}: {(off > 0).sum()} of {off.size} values differ, at most by {off.max()} levels")
    print(f"standard deviation of the image: {theirs.std():.1f} levels")
    if off.any():
        raise SystemExit(1)


if __name__ == "__main__":
    run(main)
