"""Color shift: how far the colors of an SR image are from those of its LR image, in CIELAB.

Super-resolution adds detail and should keep color. Restored images of diffusion models often do not, so their color is
corrected (AdaIN, wavelet). No metric with a reference shows a shift alone, and it needs no HR image to be seen.

    SR' = G(area average of SR to the size of LR),  LR' = G(LR)       in sRGB, G: Gaussian, edges reflected
    color shift = mean over pixels of sqrt(dL^2 + da^2 + db^2)        of Lab(SR') - Lab(LR'), CIE 1976, D65

A Gaussian of sigma 4 LR pixels passes what the wavelet correction calls color, and hides detail and noise. Both images
are low-pass, so the LR grid shows all of their difference. About 2.3 is a difference that an observer just notices
(Mahy, Van Eycken and Oosterlinck, 1994).
"""

from __future__ import annotations

import cv2
import numpy as np

# Linear sRGB to XYZ, divided by the white of D65 (IEC 61966-2-1).
WHITE = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """Convert sRGB, float (H, W, 3) from 0 to 1, to CIELAB under D65, float64 (H, W, 3)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    ratio = linear @ (TO_XYZ / WHITE[:, None]).T
    x, y, z = np.moveaxis(np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def color_shift(sr: np.ndarray, lr: np.ndarray, sigma: float = 4) -> float:
    """Compute the color shift of ``sr`` from ``lr`` in CIELAB units; lower is better, 0 for SR with LR's colors.

    Args:
        sr: uint8 (s H, s W, 3), with a whole number s.
        lr: uint8 (H, W, 3).
        sigma: of the low-pass filter, in LR pixels.
    """
    height, width = lr.shape[:2]
    small = cv2.resize(sr.astype(np.float64), (width, height), interpolation=cv2.INTER_AREA)

    def low_pass(image: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)) / 255

    difference = to_lab(low_pass(small)) - to_lab(low_pass(lr.astype(np.float64)))
    return float(np.sqrt(np.square(difference).sum(axis=-1)).mean())
