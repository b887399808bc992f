"""A small RAM with weights in closed form, by the names and shapes of the official module (tools/official/ram.py)."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

# The official class chooses the file of its Swin by the image's size, so that is one of its own.
SIZES: dict[str, Any] = {
    "image": 224,
    "tags": 5,
    "embedding": 512,  # fixed in the official class
    "width": 16,
    "feed_forward": 32,
    "heads": 2,
    "layers": 2,
    "swin": {"embed_dim": 8, "depths": (2, 2), "num_heads": (2, 2), "window_size": 7},
}


def values(name: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers by a hash of name and position, the same with every version of torch: around 1 for scales, else 0."""
    mixed = np.arange(np.prod(shape), dtype=np.uint64) * np.uint64(2654435761) + np.uint64(zlib.crc32(name.encode()))
    for shift, factor in ((15, 2246822519), (13, 3266489917), (16, 1)):
        mixed = ((mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)) % np.uint64(2**32)
    center = float("norm" in name.lower() and name.endswith("weight"))
    return torch.from_numpy((mixed / 2**32 - 0.5 + center).astype(np.float32)).reshape(shape)


def image() -> Tensor:
    """The network's input, (1, 3, 224, 224)."""
    return 4 * values("image", (1, 3, SIZES["image"], SIZES["image"]))
