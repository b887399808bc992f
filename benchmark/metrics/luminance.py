"""Luma of RGB images, which PSNR, SSIM and NIQE share: each image is converted once."""

from __future__ import annotations

import weakref
from functools import cache

import numpy as np

# Weights of R, G, B in [0, 1] and the offset that give luma 0 to 255: BT.601 limited range, and full-range YIQ.
LUMA = {"ycbcr": ((65.481, 128.553, 24.966), 16.0), "yiq": ((76.245, 149.685, 29.07), 0.0)}
# Luma of images that still exist, by identity. Only of arrays that are not writeable, so nothing here can go stale.
_lumas: dict[tuple[int, str], np.ndarray] = {}


@cache
def luma_shares(color_space: str) -> np.ndarray:
    """Return what each level of each channel adds to luma, float64 (3, 256); the offset is in blue's."""
    weights, offset = LUMA[color_space]
    table: np.ndarray = np.arange(256) / 255 * np.array(weights)[:, None]
    table[2] += offset
    return table


def luma(rgb: np.ndarray, color_space: str = "ycbcr") -> np.ndarray:
    """Return the luma (H, W) of ``rgb``, uint8 (H, W, 3), as float64 from 0 to 255, not rounded."""
    key = (id(rgb), color_space)
    if key in _lumas:
        return _lumas[key]
    # Three sums and no matrix product: the last bits of BLAS depend on its threads.
    red, green, blue = (np.asarray(table.take(rgb[..., c])) for c, table in enumerate(luma_shares(color_space)))
    red += green
    red += blue
    if not rgb.flags.writeable:
        red.flags.writeable = False
        _lumas[key] = red
        weakref.finalize(rgb, _lumas.pop, key, None)
    return red


@cache
def fused_shares() -> tuple[np.ndarray, ...]:
    """Return shares of red, green and blue in full-range luma on [0, 1], float32 products, each (256,) in float64."""
    levels = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return tuple(levels.astype(np.float64) * np.float64(weight) for weight in weights)


def rounded_gpu_luma(rgb: np.ndarray) -> np.ndarray:
    """Return full-range luma (H, W) rounded to integers, float64, as the official GPU run rounded it.

    Some hundred pixels of a photograph are exactly halfway, and float32 noise decides them: 0.02 in NIQE. The official
    run was on CUDA, where x/255 is a product and the sum over R, G, B is fused (one rounding per term).
    """
    red, green, blue = (table.take(rgb[..., channel]) for channel, table in enumerate(fused_shares()))
    total = red.astype(np.float32) + green
    total = total.astype(np.float32) + blue
    return np.asarray(np.rint(total.astype(np.float32) * np.float32(255)), np.float64)
