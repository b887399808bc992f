"""Whether tiles show, and how much memory a large image takes.

    python -m tools.measure.restoration_tiles --checkpoint DIR --backbone DIR --image PHOTO seams
    python -m tools.measure.restoration_tiles --checkpoint DIR --backbone DIR --image PHOTO memory --size 3840x2160

``seams``: the photograph is restored whole and in tiles, and the two are compared: everywhere, and by how much more
their difference jumps from one pixel to the next where a tile begins than elsewhere (1: tiles do not show).
``memory``: peak memory and time of one image of the given output size, in tiles as by default or as said.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from osediff import OSEDiff
from osediff.common.images import read_rgb
from osediff.data.tensors import as_tensor
from osediff.models import tiling
from osediff.models.tile_sizes import Tiling


def resized(image: np.ndarray, width: int, height: int) -> torch.Tensor:
    """(1, 3, height, width) in [-1, 1] of ``image``, resized."""
    return as_tensor(np.asarray(Image.fromarray(image).resize((width, height))))[None]


def seams(model: OSEDiff, image: np.ndarray, width: int, height: int) -> None:
    """Prints differences in levels of 255."""
    lq = resized(image, width, height)
    model.generator.tiles = None
    whole = model.restore_tensor(lq, [""], [0])
    factor = model.generator.factor
    for what, tiles in (
        ("VAE", Tiling(vae=48, latent=0)),
        ("UNet", Tiling(vae=0, latent=64, overlap=32)),
        ("UNet, overlap 16", Tiling(vae=0, latent=64, overlap=16)),
        ("both", Tiling(vae=48, latent=64, overlap=32)),
    ):
        model.generator.tiles = tiles
        difference = (model.restore_tensor(lq, [""], [0]) - whole) * 127.5
        print(f"{what}, {tiles}: off by {difference.abs().max():.2f} at most, {difference.abs().mean():.3f} on average")
        if tiles.latent:
            begins = tiling.starts(width // factor, tiles.latent, tiles.overlap)
            # Where a tile begins, and where the one before it ends.
            edges = sorted({*begins[1:], *(begin + tiles.latent for begin in begins[:-1])})
        else:
            edges = [span.start for span in tiling.spans(width // factor, tiles.vae // 2, 0)][1:]
        jumps = (difference[..., 1:] - difference[..., :-1]).abs().mean((0, 1, 2))
        there = jumps[[edge * factor - 1 for edge in edges]]
        print(
            f"  jump of the difference at tiles' edges {there.mean() / jumps.mean():.3f} of that elsewhere", flush=True
        )


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--image", type=Path, required=True, help="8-bit RGB; enlarged or reduced to --size")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("what", choices=["seams", "memory"])
    parser.add_argument("--size", default="768x512", help="WIDTHxHEIGHT of the output")
    parser.add_argument("--tile-vae", type=int, default=Tiling.vae)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    width, height = map(int, args.size.split("x"))
    image = read_rgb(args.image)
    model = OSEDiff.from_pretrained(args.checkpoint, args.backbone, precision=args.precision)
    if args.what == "seams":
        seams(model, image, width, height)
        return
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    model.generator.tiles = Tiling(vae=args.tile_vae)
    start = time.perf_counter()
    model.restore_tensor(resized(image, width, height), [""], [0])
    taken, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{args.size} {args.precision} {model.generator.tiles}: {taken:.0f} s, peak {peak:.2f} GB ({loaded:.2f} loaded)"
    )


if __name__ == "__main__":
    main()
