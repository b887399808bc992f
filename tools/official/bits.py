"""Is an SR image cut to 8 bits as by the official test script, to the byte?

    python -m tools.official.bits --official CHECKOUT --lr DIR --hr DIR [--images 6]

CHECKOUT is a clone of cswry/OSEDiff. HR images with other contrast and some noise stand for the network's output; the
official functions and ours finish them, in both precisions and with each color correction.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import ToPILImage

from osediff.common.errors import run
from osediff.common.images import pairs, read_rgb
from osediff.data.quantization import correct_and_round, correct_officially
from osediff.data.tensors import as_tensor
from osediff.data.upsampling import upsample_officially
from osediff.recipe import OFFICIAL_PROCESS_SIZE, ColorFix

SCALE_FACTOR = 4


def official_functions(checkout: Path) -> dict[ColorFix, Callable[..., Any]]:
    """Return the official color corrections by our names; they take the images ``target`` and ``source``."""
    spec = importlib.util.spec_from_file_location("official_color", checkout / "my_utils" / "wavelet_color_fix.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        "none": lambda target, source: target,
        "adain": module.adain_color_fix,
        "wavelet": module.wavelet_color_fix,
    }


def network_output(hr: np.ndarray, seed: int) -> Tensor:
    """Return an image (3, H, W) in [-1, 1] that is near ``hr``."""
    image = as_tensor(hr)
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
    return (0.8 * image + 0.07 + 0.05 * noise).clamp(-1, 1)


def main() -> None:
    """Print how many values differ, by color correction and precision, and what rounding once changes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--lr", type=Path, required=True)
    parser.add_argument("--hr", type=Path, required=True)
    parser.add_argument("--images", type=int, default=6)
    args = parser.parse_args()
    functions = official_functions(args.official)
    differing = {(name, dtype): 0 for name in functions for dtype in (torch.float32, torch.float16)}
    total, brighter = 0, []
    for seed, (_, lr, hr) in enumerate(pairs(args.lr, args.hr)[: args.images]):
        enlarged = upsample_officially(read_rgb(lr), SCALE_FACTOR, OFFICIAL_PROCESS_SIZE)
        output = network_output(read_rgb(hr), seed)
        total += output.numel()
        for name, dtype in differing:
            image = ToPILImage()(output.to(dtype) * 0.5 + 0.5)
            expected = np.asarray(functions[name](target=image, source=Image.fromarray(enlarged)))
            differing[name, dtype] += int((correct_officially(output.to(dtype), enlarged, name) != expected).sum())
        rounded, truncated = (correct(output, enlarged, "adain") for correct in (correct_and_round, correct_officially))
        brighter.append((rounded.astype(int) - truncated).mean())
    for (name, dtype), count in differing.items():
        print(f"{name} in {dtype}: {count} of {total} values differ")
    print(f"rounded once, an image is brighter by {min(brighter):.2f} to {max(brighter):.2f} levels")


if __name__ == "__main__":
    run(main)
