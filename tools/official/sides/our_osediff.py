"""Our OSEDiff in a process of its own that answers as tools/official/sides/official_osediff.py does.

python -m tools.official.sides.our_osediff --backbone DIR --checkpoint DIR --precision bf16 --threads N
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from osediff import OSEDiff
from osediff.common.memory import keep_freed_memory
from osediff.models.tile_sizes import Tiling
from tools.official.sides.serving import serve


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--tile-latent", type=int, default=Tiling.latent)
    parser.add_argument("--tile-overlap", type=int, default=Tiling.overlap)
    args = parser.parse_args()
    keep_freed_memory()  # as the command does
    torch.set_num_threads(args.threads)
    tiles = Tiling(latent=args.tile_latent, overlap=args.tile_overlap)
    model = OSEDiff.from_pretrained(args.checkpoint, args.backbone, precision=args.precision, tiles=tiles)

    def restore(request: Mapping[str, Any]) -> dict[str, float]:
        lq = torch.from_numpy(np.load(request["image"]))
        restored = model.restore_tensor(lq, [request["prompt"]], [request["seed"]])
        np.save(request["output"], restored.numpy())
        return {}

    serve(restore)


if __name__ == "__main__":
    main()
