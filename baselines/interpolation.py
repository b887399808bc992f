"""Interpolate with Pillow's kernels. Its bicubic kernel has a = -0.5; OpenCV's and torch's have a = -0.75."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from osediff.common.command_line import make_parser
from osediff.common.errors import run
from osediff.common.restore_folder import restore_folder
from osediff.common.shards import add_shard_options

KERNELS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def upsample(lr: np.ndarray, kernel: str, scale_factor: int) -> np.ndarray:
    """Return ``lr``, uint8 (H, W, 3), as an SR image, uint8 (scale_factor H, scale_factor W, 3)."""
    size = (lr.shape[1] * scale_factor, lr.shape[0] * scale_factor)
    return np.asarray(Image.fromarray(lr).resize(size, KERNELS[kernel]))


def main() -> None:
    """Command line: LR images in; one SR PNG for each, and a record of what made them, out."""
    parser = make_parser("baselines.interpolation", __doc__)
    parser.add_argument("--input", type=Path, required=True, help="LR image, or folder of LR images (8-bit RGB)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the SR images")
    parser.add_argument("--kernel", choices=list(KERNELS), default="bicubic")
    parser.add_argument("--scale-factor", type=int, default=4)
    parser.add_argument("--record", type=Path, help="JSON record (default: OUTPUT/../run.json)")
    add_shard_options(parser)
    args = parser.parse_args()
    restore_folder(
        args.input,
        args.output,
        args.record or args.output.parent / "run.json",
        lambda lr, stem: upsample(lr, args.kernel, args.scale_factor),
        {"method": "interpolation", "kernel": args.kernel, "pillow": PIL.__version__},
        args.scale_factor,
        args.shard,
        args.progress,
    )


if __name__ == "__main__":
    run(main)
