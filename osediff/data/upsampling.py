"""Upsample an LR image to the size at which the networks restore it."""

from __future__ import annotations

import numpy as np
from PIL import Image


def upsample(lr: np.ndarray, scale_factor: int, process_size: int) -> np.ndarray:
    """Upsample ``lr``, uint8 (H, W, 3), by ``scale_factor`` with PIL's default filter, as the official code does.

    If the smaller side is then below ``process_size`` pixels, the image is upsampled further, until the side has this
    size.
    """
    height, width = (extent * scale_factor for extent in lr.shape[:2])
    zoom = max(1.0, process_size / min(height, width))
    return np.asarray(Image.fromarray(lr).resize((round(width * zoom), round(height * zoom))))


def upsample_officially(lr: np.ndarray, scale_factor: int, process_size: int) -> np.ndarray:
    """Upsample ``lr`` as ``upsample`` does, but with the differences of the official test script.

    A small image is upsampled twice, first to ``process_size / scale_factor``. Sides that are not multiples of 8 are
    reduced to the next one by Lanczos interpolation; this suite otherwise pads them.
    """
    image = Image.fromarray(lr)
    least = process_size // scale_factor
    if min(image.size) < least:
        zoom = least / min(image.size)
        image = image.resize((int(zoom * image.width), int(zoom * image.height)))
    image = image.resize((image.width * scale_factor, image.height * scale_factor))
    size = (image.width - image.width % 8, image.height - image.height % 8)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))
