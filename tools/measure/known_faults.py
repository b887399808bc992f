"""What color shift and seams say of restorations with known faults: other color corrections, and tiles.

    python -m tools.measure.known_faults --lr DIR [--count 2] [--crop 96] [--checkpoint DIR] [--backbone DIR]

The first LR images of a folder, cut to squares, are restored with each color correction, with overlapping tiles of the
UNet, and as tiles of 16 LR pixels that are restored apart. One line for each way has the averages of both metrics.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmark.metrics.color_shift import color_shift
from benchmark.metrics.seams import seams
from osediff import OSEDiff
from osediff.common.images import list_images, read_rgb
from osediff.models.tile_sizes import Tiling
from osediff.recipe import ColorFix

TILE = 16  # LR pixels


def restore_apart(model: OSEDiff, lr: np.ndarray) -> np.ndarray:
    """Restore tiles of ``lr``, uint8 (H, W, 3), each as an image of its own, and put them side by side."""
    rows = [lr[top : top + TILE] for top in range(0, lr.shape[0], TILE)]
    tiles = [[row[:, left : left + TILE] for left in range(0, lr.shape[1], TILE)] for row in rows]
    return np.concatenate([np.concatenate([model(tile) for tile in row], axis=1) for row in tiles])


def main() -> None:
    """Restore the images in each way and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lr", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--crop", type=int, default=96, help="a multiple of 16")
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/demo"))
    parser.add_argument("--backbone", type=Path, default=Path("backbones/demo"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = OSEDiff.from_pretrained(args.checkpoint, args.backbone)
    paths = list(list_images(args.lr).values())[: args.count]
    images = [np.ascontiguousarray(read_rgb(path)[: args.crop, : args.crop]) for path in paths]
    whole, overlapping = Tiling(0, 0, 0), Tiling(0, 32, 16)
    ways: dict[str, tuple[ColorFix, Tiling, Callable[[OSEDiff, np.ndarray], np.ndarray]]] = {
        "no color correction": ("none", whole, lambda m, lr: m(lr)),
        "AdaIN": ("adain", whole, lambda m, lr: m(lr)),
        "wavelet": ("wavelet", whole, lambda m, lr: m(lr)),
        "wavelet, overlapping tiles of the UNet": ("wavelet", overlapping, lambda m, lr: m(lr)),
        "wavelet, tiles restored apart": ("wavelet", whole, restore_apart),
        "no color correction, tiles restored apart": ("none", whole, restore_apart),
    }
    print("| | color shift | seams |\n|---|--:|--:|")
    for name, (color_fix, tiles, restore) in ways.items():
        model.color_fix, model.generator.tiles = color_fix, tiles
        restored = [(lr, restore(model, lr)) for lr in images]
        shift = np.mean([color_shift(sr, lr) for lr, sr in restored])
        grid = np.mean([seams(sr, sr) for _, sr in restored])
        print(f"| {name} | {shift:.2f} | {grid:.2f} |", flush=True)


if __name__ == "__main__":
    main()
