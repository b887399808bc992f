"""Random degradation of photographs: Real-ESRGAN's second-order pipeline, and milder camera-like recipes.

The settings are data (config/degradations.yaml, typed in ``degradation_recipe``): stages of blur, resize, noise and
JPEG, and the probability of a final sinc filter. Two stages with Real-ESRGAN's ranges are the pipeline that OSEDiff
trains on and DIV2K-Val was made with (Wang et al., "Real-ESRGAN", ICCVW 2021, section 3; the ranges are those of
OSEDiff's official configuration).
All random numbers come from the given generator, so a seed always gives the same LQ image.
"""

from __future__ import annotations

import argparse
import math
import zlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from scipy.special import j1
from scipy.stats import poisson
from tqdm import tqdm

from osediff.common.errors import InputError, run
from osediff.common.images import list_images, read_rgb, write_png
from osediff.common.settings import read
from osediff.data.degradation_recipe import Blur, Degradation, DegradationSpec, Noise, Resize, Stage

KERNEL_SIZES = range(7, 22, 2)
BINS = 4096  # of uniform numbers, see inverse_poisson
RESIZE_MODES = ("area", "bilinear", "bicubic")


def normalize(kernel: np.ndarray) -> np.ndarray:
    """Scale ``kernel`` (size, size) so that it sums to one."""
    normalized: np.ndarray = kernel / kernel.sum()
    return normalized


def gaussian_kernel(size: int, sigma: tuple[float, float], angle: float, shape: str, beta: float) -> np.ndarray:
    """Return a blur kernel (size, size) of sum one; ``shape`` is ``generalized`` (beta 1: Gaussian) or ``plateau``."""
    axis = np.arange(size) - size // 2
    x, y = np.meshgrid(axis, axis)
    u = (x * math.cos(angle) + y * math.sin(angle)) / sigma[0]
    v = (y * math.cos(angle) - x * math.sin(angle)) / sigma[1]
    radius = (u**2 + v**2) ** beta
    return normalize(1 / (1 + radius) if shape == "plateau" else np.exp(-0.5 * radius))


def sinc_kernel(size: int, cutoff: float) -> np.ndarray:
    """Return a circular low-pass kernel (size, size) with ``cutoff`` in radians per pixel; it rings."""
    axis = np.arange(size) - size // 2
    radius = np.hypot(*np.meshgrid(axis, axis))
    center = radius == 0
    radius[center] = 1
    kernel = cutoff * j1(cutoff * radius) / (2 * math.pi * radius)
    kernel[center] = cutoff**2 / (4 * math.pi)
    return normalize(kernel)


def random_kernel(rng: Generator, blur: Blur) -> np.ndarray:
    """Draw a blur kernel from ``blur``: kernel family, size 7 to 21, widths, rotation and shape exponent."""
    size = int(rng.choice(KERNEL_SIZES))
    if rng.random() < blur.sinc_probability:
        return sinc_kernel(size, rng.uniform(math.pi / (3 if size < 13 else 5), math.pi))
    names = list(blur.kernels)
    weights = np.array([blur.kernels[name] for name in names])
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    sigma_x = rng.uniform(*blur.sigma)
    sigma_y, angle = sigma_x, 0.0
    if name.endswith("aniso"):
        sigma_y, angle = rng.uniform(*blur.sigma), rng.uniform(-math.pi, math.pi)
    beta, shape = 1.0, "generalized"
    if not name.startswith(("iso", "aniso")):
        low, high = blur.plateau_beta if name.startswith("plateau") else blur.generalized_beta
        beta = rng.uniform(low, 1) if rng.random() < 0.5 else rng.uniform(1, high)
        shape = "plateau" if name.startswith("plateau") else "generalized"
    return gaussian_kernel(size, (sigma_x, sigma_y), angle, shape, beta)


def filter_image(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve ``image`` (H, W, 3) with ``kernel``, mirrored at the borders."""
    # A mirror needs more pixels than half a kernel; small images get replicated borders instead.
    border = cv2.BORDER_REFLECT_101 if min(image.shape[:2]) > kernel.shape[0] // 2 else cv2.BORDER_REPLICATE
    columns, rows = kernel.sum(1), kernel.sum(0)
    if np.allclose(np.outer(columns, rows), kernel, atol=1e-8):  # a product, as a round Gaussian is: far less work
        return cv2.sepFilter2D(image, -1, rows, columns, borderType=border)
    return cv2.filter2D(image, -1, kernel.astype(np.float32), borderType=border)


def resize(image: np.ndarray, size: tuple[int, int], mode: str) -> np.ndarray:
    """Resize ``image`` (H, W, 3) to ``size`` (H, W) by torch's area, bilinear or bicubic rule, without antialiasing."""
    if image.shape[:2] == size:
        return image
    tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    out = F.interpolate(tensor, size=size, mode=mode)
    return out[0].permute(1, 2, 0).contiguous().numpy()


def random_scale(rng: Generator, resize: Resize) -> float:
    """Draw the factor of a random resize: up, down or keep with their probabilities, within ``resize.range``."""
    kind = rng.choice(3, p=resize.up_down_keep)
    low, high = resize.range
    return float((rng.uniform(1, high), rng.uniform(low, 1), 1.0)[kind])


@cache
def inverse_poisson(photons: int) -> tuple[np.ndarray, np.ndarray]:
    """Return tables from a uniform number to a photon count at each of 256 levels; the brightest has ``photons``.

    The first table, int16 (256, BINS), has the count for each of BINS equal parts of [0, 1), or -1 if a part has two
    counts. The second, float64 (256, counts), has the distribution functions; n is added to that of level n, so that
    all of them are one rising sequence.
    """
    rising = poisson.cdf(np.arange(2 * photons + 64), np.arange(256)[:, None] / 255 * photons)
    rising[:, -1] = 1
    edges = np.arange(BINS + 1) / BINS
    first = np.stack([np.searchsorted(row, edges[:-1], side="right") for row in rising])
    last = np.stack([np.searchsorted(row, edges[1:], side="left") for row in rising])
    return np.where(first == last, first, -1).astype(np.int16), rising + np.arange(256)[:, None]


def poisson_counts(levels: np.ndarray, photons: int, rng: Generator) -> np.ndarray:
    """Draw Poisson counts of the shape of ``levels``, uint8, with mean ``photons`` * level / 255.

    The distribution function is inverted. Since there are few levels, this is three times as fast as NumPy's method.
    """
    table, rising = inverse_poisson(photons)
    uniform = rng.random(levels.shape, np.float32)
    counts: np.ndarray = table[levels, (uniform * BINS).astype(np.int16)]
    left = counts < 0
    row = levels[left].astype(np.float64)
    counts[left] = np.searchsorted(rising.ravel(), row + uniform[left], side="right") - row * rising.shape[1]
    return counts


def add_noise(image: np.ndarray, rng: Generator, noise: Noise) -> np.ndarray:
    """Return ``image`` in [0, 1] plus Gaussian noise (sigma in 1/255) or Poisson shot noise, gray or per channel."""
    gaussian = rng.random() < noise.gaussian_probability
    strength = rng.uniform(*(noise.sigma if gaussian else noise.poisson_scale))
    gray = rng.random() < noise.gray_probability
    if gaussian:
        shape = (*image.shape[:2], 1) if gray else image.shape
        return clip(image + rng.standard_normal(shape, np.float32) * (strength / 255))
    # Gray first, then 8 bits: the photon count follows the number of levels in use, 256 at most, as in Real-ESRGAN.
    light = image @ np.array([[0.2989], [0.587], [0.114]], np.float32) if gray else image
    coded = to_8_bits(light)
    levels, used = coded / 255, int(np.count_nonzero(np.bincount(coded.ravel())))
    photons = 2 ** math.ceil(math.log2(max(2, used)))
    shot = (poisson_counts(coded, photons, rng) / photons - levels).astype(np.float32)
    return clip(image + shot * strength)


def clip(image: np.ndarray) -> np.ndarray:
    """Clip ``image`` to [0, 1]."""
    clipped: np.ndarray = np.clip(image, 0, 1)
    return clipped


def to_8_bits(image: np.ndarray) -> np.ndarray:
    """Clip ``image`` to [0, 1] and round it to uint8."""
    return (clip(image) * 255).round().astype(np.uint8)


def jpeg(image: np.ndarray, quality: float) -> np.ndarray:
    """Return ``image`` in [0, 1] after JPEG compression (4:2:0) at ``quality`` 1 to 100."""
    _, data = cv2.imencode(".jpg", to_8_bits(image)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    decoded: np.ndarray = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1].astype(np.float32) / 255
    return decoded


def degrade(hq: np.ndarray, recipe: Degradation, scale_factor: int, rng: Generator) -> np.ndarray:
    """Make the LR image, uint8 (H // scale_factor, W // scale_factor, 3), of ``hq``, uint8 (H, W, 3)."""
    return to_8_bits(degrade_unrounded(hq, recipe, scale_factor, rng))


def degrade_stage(image: np.ndarray, stage: Stage, target: tuple[int, int] | None, rng: Generator) -> np.ndarray:
    """Apply blur, resize and noise of ``stage`` to ``image``, float32 (H, W, 3) in [0, 1].

    ``target``: (H, W) around which the random resize ends; None: around the size of ``image``.
    """
    if rng.random() < stage.blur.probability:
        image = filter_image(image, random_kernel(rng, stage.blur))
    factor = random_scale(rng, stage.resize)
    height, width = target or image.shape[:2]
    size = (max(1, int(height * factor)), max(1, int(width * factor)))
    return add_noise(resize(image, size, str(rng.choice(RESIZE_MODES))), rng, stage.noise)


def degrade_unrounded(hq: np.ndarray, recipe: Degradation, scale_factor: int, rng: Generator) -> np.ndarray:
    """Degrade as ``degrade`` does, without rounding: float32, mostly in [0, 1]; a filter or a resize may overshoot."""
    image = hq.astype(np.float32) / 255
    size = (hq.shape[0] // scale_factor, hq.shape[1] // scale_factor)
    *earlier, final = recipe.stages
    for stage in earlier:
        image = degrade_stage(image, stage, None, rng)
        if stage.jpeg:
            image = jpeg(image, rng.uniform(*stage.jpeg))
    image = degrade_stage(image, final, size, rng)
    # Real-ESRGAN ends with two steps in either order: JPEG, and the resize to LR size with the sinc filter.
    compress_first = rng.random() < 0.5
    quality = final.jpeg
    if quality and compress_first:
        image = jpeg(image, rng.uniform(*quality))
    image = resize(image, size, str(rng.choice(RESIZE_MODES)))
    if rng.random() < recipe.final_sinc_probability:
        kernel_size = int(rng.choice(KERNEL_SIZES))
        image = filter_image(image, sinc_kernel(kernel_size, rng.uniform(math.pi / 3, math.pi)))
    if quality and not compress_first:
        image = jpeg(image, rng.uniform(*quality))
    return image.astype(np.float32)


def main() -> None:
    """Make one LR PNG for each HR PNG of a folder, seeded by (seed, file stem)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file (degradation_recipe.DegradationSpec)")
    parser.add_argument("--input", type=Path, required=True, help="folder of HR images")
    parser.add_argument("--output", type=Path, required=True, help="folder for the LR images")
    args = parser.parse_args()
    spec = read(args.spec, DegradationSpec)
    for stem, path in tqdm(list_images(args.input).items(), desc="degrading", unit="image"):
        hq = read_rgb(path)
        if hq.shape[0] % spec.scale_factor or hq.shape[1] % spec.scale_factor:
            raise InputError(
                f"{path}: {hq.shape[1]}x{hq.shape[0]} is no multiple of {spec.scale_factor}; crop it first"
            )
        rng = np.random.default_rng([spec.seed, zlib.crc32(stem.encode())])
        write_png(args.output / f"{stem}.png", degrade(hq, spec.degradation, spec.scale_factor, rng))


if __name__ == "__main__":
    run(main)
