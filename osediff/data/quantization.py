"""Correct the colors of the network's output and make it an 8-bit image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from osediff.data.color import FIXES, OFFICIAL_FIXES
from osediff.data.tensors import as_image, as_tensor
from osediff.recipe import ColorFix


def correct_and_round(restored: Tensor, reference: np.ndarray, color_fix: ColorFix) -> np.ndarray:
    """Correct the colors of ``restored`` (3, H, W) in [-1, 1], and round to the nearest level once.

    ``reference``: the upsampled LR image, uint8 (H, W, 3). Returns an image of the same kind.
    """
    return as_image(FIXES[color_fix](restored, as_tensor(reference).to(restored.device)))


def correct_officially(restored: Tensor, reference: np.ndarray, color_fix: ColorFix) -> np.ndarray:
    """Do the same in the way of the official test script (test_osediff.py of cswry/OSEDiff at fcc4f09).

    It truncates the levels twice: before the color correction, in the precision of ``restored``, and after it. On
    average an image loses half a level by the second truncation; the first one adds noise of 1/12 level².
    """
    image = truncate(restored.cpu() * 0.5 + 0.5)
    if color_fix != "none":
        image = truncate(OFFICIAL_FIXES[color_fix](image.float() / 255, channels_first(reference) / 255).clamp(0, 1))
    return image.permute(1, 2, 0).numpy()


def truncate(image: Tensor) -> Tensor:
    """Return ``image``, in [0, 1], as uint8, with truncated levels."""
    return (image * 255).byte()


def channels_first(image: np.ndarray) -> Tensor:
    """Return uint8 (H, W, 3) as float (3, H, W) in [0, 255]."""
    return torch.tensor(image).permute(2, 0, 1).float()
