"""Distances between two sets of images, FID and KID, from one computation of Inception features.

The features are pyiqa's (2048 per image), bit for bit those of clean-fid given the same network; pyiqa's weights are a
file of our manifest, while clean-fid fetches its own, unverified, to a temporary folder. What is made of them is here:
FID's trace of a matrix root takes scipy a minute for 2048 dimensions, whatever the number of images, and newer versions
of it no longer accept pyiqa's call.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmark.evaluation.workers import pool
from osediff.common.pyiqa_networks import create

BATCH = 8  # images that the network sees at once
FEW = 1000  # below this number of images FID depends more on their number than on the method


def factor(features: np.ndarray) -> np.ndarray:
    """A matrix F, (min(n, d), d), with FᵀF the covariance (of n - 1) of ``features``, float64 (n, d)."""
    centered = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    # The triangle of a QR decomposition has the same product, without squaring the condition number.
    return centered if len(features) <= features.shape[1] else np.asarray(np.linalg.qr(centered, mode="r"))


def fid(sr: np.ndarray, hr: np.ndarray) -> float:
    """Fréchet distance (Heusel et al., 2017) between Gaussians fitted to two sets of features, (n, d) and (m, d).

    tr (S₁S₂)^½ is the sum of the singular values of F₁F₂ᵀ for any F with FᵀF = S: a matrix of n by m, not d by d."""
    sr, hr = sr.astype(np.float64), hr.astype(np.float64)
    first, second = factor(sr), factor(hr)
    root = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    shift = sr.mean(axis=0) - hr.mean(axis=0)
    return float(shift @ shift + (first**2).sum() + (second**2).sum() - 2 * root)


def kid(sr: np.ndarray, hr: np.ndarray) -> float:
    """Kernel distance (Binkowski et al., 2018) of features (n, d) and (m, d): squared MMD, kernel (x·y/d + 1)³.

    Unbiased, so it can be below 0 and does not depend on the number of images as FID does. Over all images at once:
    the usual average over random subsets has the same expectation and a chance of its own."""
    sr, hr = sr.astype(np.float64), hr.astype(np.float64)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: np.ndarray) -> float:
        values = kernel(x, x)
        return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)))

    return within(sr) + within(hr) - 2 * float(kernel(sr, hr).mean())


DISTANCES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"fid": fid, "kid": kid}


def remark(images: int) -> str:
    """What a reader of a distance between sets of ``images`` must know."""
    warning = f"; with fewer than {FEW} compare only with values of the same images" if images < FEW else ""
    return f"of {images} images{warning}"


def folder_features(folder: Path, mode: str, weights: Path, device: str, workers: int) -> np.ndarray:
    """Inception features (n, 2048) of all images below ``folder``, in order of their names."""
    network = inception(weights, device)
    from pyiqa.archs.fid_arch import get_folder_features

    # On a GPU, other processes decode; batches of one size keep the value the same everywhere.
    decoding = 0 if device == "cpu" else workers
    found: np.ndarray = get_folder_features(
        str(folder), network, num_workers=decoding, batch_size=BATCH, device=device, mode=mode, verbose=False
    )
    return found


@lru_cache(maxsize=4)
def features(
    folder: Path, stamp: tuple[tuple[str, int], ...], mode: str, weights: Path, device: str, workers: int
) -> np.ndarray:
    """Inception features (n, 2048) of all images in ``folder``; ``stamp``, what is there, decides about reuse.

    On a CPU, ``workers`` processes take a batch of images each, the same batches as one process would make."""
    images = sorted(folder.iterdir())
    if device != "cpu" or workers == 1:
        return folder_features(folder, mode, weights, device, workers)
    inception(weights, device)  # before processes are forked, so that they share it
    with tempfile.TemporaryDirectory() as temporary, tqdm(total=len(images), desc="features", unit="image") as bar:
        parts = [
            staged(Path(temporary) / str(start), images[start : start + BATCH])
            for start in range(0, len(images), BATCH)
        ]
        with pool(workers) as processes:
            found = []
            for part in processes.map(folder_features, parts, repeat(mode), repeat(weights), repeat(device), repeat(0)):
                found.append(part)
                bar.update(len(part))
    return np.concatenate(found)


def staged(folder: Path, images: list[Path]) -> Path:
    """``folder`` with links to ``images`` and nothing else, for pyiqa reads every image that it finds below one."""
    folder.mkdir()
    for image in images:
        (folder / image.name).symlink_to(image.resolve())
    return folder


@lru_cache(maxsize=1)
def inception(weights: Path, device: str) -> Callable[..., object]:
    """pyiqa's Inception network on ``device``, with the values in the file ``weights``."""
    metric: Any = create("fid", [weights], device)
    network: Callable[..., object] = metric.net.model
    return network


def build(name: str, weights: Path, device: str, workers: int, mode: str) -> Callable[[Path, Path], float]:
    """The distance ``name`` of DISTANCES as a function of two folders; ``mode`` is how pyiqa resizes and scales."""
    inception(weights, device)

    def stamp(folder: Path) -> tuple[tuple[str, int], ...]:
        return tuple((str(path.resolve()), path.stat().st_mtime_ns) for path in sorted(folder.iterdir()))

    def distance(sr: Path, hr: Path) -> float:
        return DISTANCES[name](*(features(f, stamp(f), mode, weights, device, workers) for f in (sr, hr)))

    return distance
