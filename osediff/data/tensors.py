"""Images as tensors: uint8 (H, W, 3) and float (3, H, W) in [-1, 1]."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def as_tensor(image: np.ndarray) -> Tensor:
    """Convert (H, W, 3) in [0, 255] to (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).permute(2, 0, 1) / 127.5 - 1


def as_image(tensor: Tensor) -> np.ndarray:
    """Convert (3, H, W) in [-1, 1] to uint8 (H, W, 3)."""
    return ((tensor.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
