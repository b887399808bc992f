"""Seams: the strength of a periodic grid in an SR image, in gray levels.

Tiles that are restored apart, and decoders and transformers that work in patches, leave lines at equal distances.

    d(x) = mean of the middle half over y of |Y(x + 1, y) - Y(x, y)|      the profile of luma Y across columns
    e(x) = d(x) - median of d(x - 3) ... d(x + 3)                         what stands out of it
    g(p, q) = mean of e over the lines x = q, q + p, q + 2p ...           of the grid of period p, offset q, n lines
    seams = largest lower end of the 99 % interval of g(p, q), g - t(n - 1) s / sqrt(n), over p, q and both directions

The middle half over y hides edges of objects, which are shorter than the image. An edge that is as long is at one line
of a grid and widens its interval; a seam is at all lines and narrows it. A step of A gray levels at every line, in a
picture that is flat there, gives A; texture hides a part of it. Periods are 8 pixels (an encoder's factor) and more,
and a grid has four lines or more, so a single seam in the middle of an image is not seen.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import median_filter

from benchmark.metrics.luminance import luma

SMALLEST = 8  # period in pixels
LINES = 4  # of a grid, at least
WINDOW = 7  # lines of the median


@cache
def quantile(freedom: int) -> float:
    """Return the 99.5 % quantile of Student's t with this many degrees of freedom."""
    from scipy.stats import t  # takes a second, which an evaluation without this metric does not need

    return float(t.ppf(0.995, freedom))


def profile(image: np.ndarray) -> np.ndarray:
    """Return what stands out of the typical differences across the columns of luma (H, W): (W - 1,)."""
    from scipy.stats import trim_mean  # as above

    differences = trim_mean(np.abs(np.diff(image, axis=1)), 0.25, axis=0)
    return np.asarray(differences - median_filter(differences, WINDOW, mode="reflect"))


def grid_strength(excess: np.ndarray) -> float:
    """Return the largest lower end of the 99 % interval of a grid's mean in a profile (n,), over all grids."""
    count, strongest = len(excess), 0.0
    for period in range(SMALLEST, (count - 1) // (LINES - 1) + 1):
        lines = -(-count // period)
        padded = np.full(lines * period, np.nan)
        padded[:count] = excess
        grids = padded.reshape(lines, period)  # a column for each offset; the last line may be absent
        for columns in (grids[:, : count - (lines - 1) * period], grids[:-1, count - (lines - 1) * period :]):
            if len(columns) >= LINES and columns.shape[1]:
                spread = columns.std(axis=0, ddof=1) / np.sqrt(len(columns))
                low = columns.mean(axis=0) - quantile(len(columns) - 1) * spread
                strongest = max(strongest, float(low.max()))
    return strongest


def seams(sr: np.ndarray, hr: np.ndarray) -> float:
    """Compute the seams of ``sr``, uint8 (H, W, 3), in gray levels; lower is better. ``hr`` is not used."""
    image = luma(sr, "yiq")
    return max(grid_strength(profile(image)), grid_strength(profile(image.T)))
