"""Conversion between images and the batches that networks take."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

SCALE_FACTOR = 4  # of every baseline


def to_batch(lr: np.ndarray, device: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """Convert uint8 (H, W, 3) to (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(lr.transpose(2, 0, 1).copy()).float().div(255)[None].to(device, dtype)


def to_image(batch: Tensor) -> np.ndarray:
    """Convert (1, 3, H, W) in [0, 1] to uint8 (H, W, 3).

    Values are clipped and rounded half to even, as NumPy rounds in the official scripts.
    """
    return batch[0].float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
