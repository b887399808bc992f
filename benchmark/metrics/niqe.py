"""NIQE without a network: Mittal, Soundararajan and Bovik, "Making a completely blind image quality analyzer" (2013).

This module is written from the publication, with its equations. Constants that it does not give (window, grid of
shapes, halving by MATLAB's bicubic with antialiasing) are those of the official release. The parameters, a Gaussian
fitted to natural photographs, are data of this package (data/niqe_pristine.csv, which names their source).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from scipy.special import gamma

from benchmark.metrics.luminance import rounded_gpu_luma

PRISTINE = Path(__file__).parent / "data" / "niqe_pristine.csv"
BLOCK = 96  # pixels of a block's side, at full scale
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))  # horizontal, vertical and the two diagonal neighbors
SHAPES = np.arange(200, 10001) / 1000  # grid on which the shape of a distribution is sought
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))  # rises with the shape
# MATLAB's bicubic (a = -0.5), stretched to twice its width: eight taps around the middle of two pixels.
HALVING = np.array([-0.0234375, -0.0703125, 0.2265625, 0.8671875, 0.8671875, 0.2265625, -0.0703125, -0.0234375]) / 2


@cache
def parameters() -> tuple[np.ndarray, np.ndarray]:
    """Return mean (36,) and covariance (36, 36) of the features of natural photographs."""
    rows: np.ndarray = np.loadtxt(PRISTINE, delimiter=",")
    return rows[0], rows[1:]


@cache
def window() -> np.ndarray:
    """Return the 7-tap Gaussian of sigma 7/6, (7,), whose square sums to what a 7x7 window in float32 sums to.

    That sum exceeds 1 by 1e-8. In flat areas only this decides the sign of pixel minus local mean, on which the counts
    of equation 7 depend. A window that sums to exactly 1 changes the NIQE of an image by up to 0.12.
    """
    taps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    taps /= taps.sum()
    return np.asarray(taps * np.sqrt(np.outer(taps, taps).astype(np.float32).sum(dtype=np.float64)))


def normalize_contrast(image: np.ndarray) -> np.ndarray:
    """Compute the mean-subtracted, contrast-normalized coefficients of luma (H, W), equations 1 to 3."""
    taps = window()
    mean = cv2.sepFilter2D(image, cv2.CV_64F, taps, taps, borderType=cv2.BORDER_REPLICATE)
    square = cv2.sepFilter2D(image * image, cv2.CV_64F, taps, taps, borderType=cv2.BORDER_REPLICATE)
    return np.asarray((image - mean) / (np.sqrt(np.abs(square - mean * mean)) + 1))


def fit_gaussians(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit asymmetric generalized Gaussians to the rows (n, m); return their shapes, left and right scales, (n,) each.

    By moment matching (Lasmar et al., 2009), equations 4 to 8. A row without a negative or without a positive value
    has the smallest shape and scales that are NaN, as in the reference implementations.
    """
    negative, positive = np.minimum(values, 0), np.maximum(values, 0)
    below = np.einsum("ij,ij->i", negative, negative)
    above = np.einsum("ij,ij->i", positive, positive)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.sqrt(below / np.count_nonzero(negative, axis=1))
        right = np.sqrt(above / np.count_nonzero(positive, axis=1))
        skew = left / right
        ratio = (positive.sum(axis=1) - negative.sum(axis=1)) ** 2 / values.shape[1] / (below + above)
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    upper = np.clip(np.searchsorted(RATIOS, ratio), 1, len(RATIOS) - 1)
    nearest = np.where(np.abs(RATIOS[upper - 1] - ratio) <= np.abs(RATIOS[upper] - ratio), upper - 1, upper)
    shape = SHAPES[np.where(np.isnan(ratio), 0, nearest)]
    stretch = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * stretch, right * stretch


def block_features(image: np.ndarray, size: int) -> np.ndarray:
    """Return 18 features of every block of ``size`` pixels, (blocks, 18): fits of coefficients and of neighbors."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    blocks = normalize_contrast(image).reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)
    blocks = np.ascontiguousarray(blocks)
    shape, left, right = fit_gaussians(blocks.reshape(len(blocks), -1))
    columns_of_block = [shape, (left + right) / 2]
    for shift in SHIFTS:
        products = blocks * np.roll(blocks, shift, axis=(1, 2))
        shape, left, right = fit_gaussians(products.reshape(len(blocks), -1))
        columns_of_block += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return np.stack(columns_of_block, axis=1)


def distance(image: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Compute the distance of luma (H, W), whole numbers 0 to 255 in float64, to ``mean`` and ``covariance``, eq. 10.

    Pixels beyond the last whole block, on the right and below, are not used.
    """
    height, width = (side // BLOCK * BLOCK for side in image.shape)
    image = np.ascontiguousarray(image[:height, :width])
    half = cv2.sepFilter2D(image, cv2.CV_64F, HALVING, HALVING, anchor=(3, 3), borderType=cv2.BORDER_REFLECT)
    features = np.hstack([block_features(image, BLOCK), block_features(half[::2, ::2], BLOCK // 2)])
    whole = features[~np.isnan(features).any(axis=1)]
    difference = mean - np.nanmean(features, axis=0)
    inverse = np.linalg.pinv((covariance + np.cov(whole, rowvar=False)) / 2)
    return float(np.sqrt(difference @ inverse @ difference))


def niqe(sr: np.ndarray, hr: np.ndarray) -> float:
    """Compute NIQE of ``sr``, uint8 (H, W, 3); lower is better. ``hr`` is not used."""
    return distance(rounded_gpu_luma(sr), *parameters())
