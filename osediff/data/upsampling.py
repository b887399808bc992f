"""An LR image at the size at which the networks see it."""

from __future__ import annotations

import numpy as np
from PIL import Image


def upsample(lr: np.ndarray, scale_factor: int, process_size: int) -> np.ndarray:
    """Enlarge ``lr``, uint8 (H, W, 3), by ``scale_factor`` with PIL's default filter, as the official code does.

    Where the smaller side stays below ``process_size`` pixels, the image is enlarged further, until it reaches that.
    """
    height, width = (extent * scale_factor for extent in lr.shape[:2])
    zoom = max(1.0, process_size / min(height, width))
    return np.asarray(Image.fromarray(lr).resize((round(width * zoom), round(height * zoom))))


def upsample_officially(lr: np.ndarray, scale_factor: int, process_size: int) -> np.ndarray:
    """Do what ``upsample`` does as the official test script does it, where that differs.

    A small image is enlarged twice, at first to ``process_size / scale_factor``; sides that are no multiple of 8 are
    brought down to one by Lanczos interpolation, where we pad.
    """
    image = Image.fromarray(lr)
    least = process_size // scale_factor
    if min(image.size) < least:
        zoom = least / min(image.size)
        image = image.resize((int(zoom * image.width), int(zoom * image.height)))
    image = image.resize((image.width * scale_factor, image.height * scale_factor))
    size = (image.width - image.width % 8, image.height - image.height % 8)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))
