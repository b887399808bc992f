"""Measure the difference between restoration in half precision and in float32, image by image.

python -m tools.measure.restoration_precision --checkpoint DIR --backbone DIR --images LR --precisions bf16 fp16
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from osediff import OSEDiff
from osediff.common.images import list_images, read_rgb
from osediff.data.tensors import as_tensor
from osediff.models.generator import PRECISIONS


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder of LR images")
    parser.add_argument("--precisions", nargs="+", choices=sorted(PRECISIONS), default=["bf16", "fp16"])
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    images = [read_rgb(path) for path in list_images(args.images).values()]
    restored: dict[str, list[np.ndarray]] = {}
    print("precision  largest  99.9 % below  average (levels of 255)  CPU time of an image")
    for precision in ["fp32", *args.precisions]:
        model = OSEDiff.from_pretrained(args.checkpoint, args.backbone, precision=precision)
        begun = time.process_time()
        restored[precision] = [
            model.restore_tensor(as_tensor(model.upsample(image))[None], [""], [0]).clamp(-1, 1).numpy()
            for image in images
        ]
        seconds = (time.process_time() - begun) / len(images)
        off = np.concatenate(
            [np.abs(a - b).ravel() for a, b in zip(restored[precision], restored["fp32"], strict=True)]
        ) * (255 / 2)
        print(
            f"{precision:9}  {off.max():7.2f}  {np.quantile(off, 0.999):12.2f}  {off.mean():7.3f} {seconds:34.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
