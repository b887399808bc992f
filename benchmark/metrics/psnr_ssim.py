"""PSNR and SSIM of luma, as OSEDiff's test_metrics.py computes them with pyiqa; equal to the official log to 1e-5."""

from __future__ import annotations

import math

import cv2
import numpy as np

from benchmark.metrics.luminance import luma


def crop(image: np.ndarray, border: int) -> np.ndarray:
    """Return ``image`` without ``border`` pixels on each side."""
    return image[border : image.shape[0] - border, border : image.shape[1] - border]


def psnr(sr: np.ndarray, hr: np.ndarray, color_space: str = "ycbcr", crop_border: int = 0) -> float:
    """Compute the peak signal-to-noise ratio of luma in dB; luma is not rounded.

    The protocol adds 1e-8 to the squared error, which caps the ratio at 80 dB for equal images.

    Args:
        sr: uint8 (H, W, 3).
        hr: uint8 (H, W, 3).
        color_space: of luma, ``ycbcr`` (limited range) or ``yiq`` (full range).
        crop_border: pixels to leave out on each side.
    """
    difference = crop(luma(sr, color_space) - luma(hr, color_space), crop_border) / 255
    return -10 * math.log10(float(np.mean(difference**2)) + 1e-8)


def ssim(sr: np.ndarray, hr: np.ndarray, color_space: str = "ycbcr", crop_border: int = 0) -> float:
    """Compute the structural similarity, 0 to 1, of luma rounded to 8 bits (Wang et al., 2004, equation 13).

    The window is Gaussian, 11x11, sigma 1.5, and counts where it fits. The contrast-structure term is clamped at 0, as
    in pyiqa and unlike in scikit-image. Arguments are those of ``psnr``.
    """
    x, y = (np.rint(crop(luma(image, color_space), crop_border)) for image in (sr, hr))
    window = cv2.getGaussianKernel(11, 1.5, cv2.CV_64F)

    def blur(image: np.ndarray) -> np.ndarray:
        return crop(cv2.sepFilter2D(image, cv2.CV_64F, window, window), 5)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    contrast_structure = np.maximum((2 * covariance + c2) / (variance_x + variance_y + c2), 0)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * contrast_structure))
