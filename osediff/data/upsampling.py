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
