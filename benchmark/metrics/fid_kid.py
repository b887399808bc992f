"""Distances between two sets of images, FID and KID, from one computation of Inception features.

clean-fid resizes images and computes features. Two parts of clean-fid are not used. The first is its download of
weights: it would execute an unverified TorchScript network from a shared temporary folder. Instead, clean-fid's PyTorch
port of the network gets the values of our verified file, read as plain tensors. The second is its trace of a matrix
root: scipy needs a minute for 2048 dimensions, whatever the number of images, and scipy 1.18 no longer accepts the
call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from tqdm import tqdm

from benchmark.evaluation.workers import pool
from benchmark.metrics.feature_store import feature_key, open_store
from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.pyiqa_networks import LOADING_ERRORS
from osediff.common.tensor_files import read_tensors
from osediff.common.weights import digest

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 8  # images that the network sees at once
FEW = 1000  # below this number of images FID depends more on their number than on the method
SIDE = 299  # of the network's input in pixels

Network = Callable[["Tensor"], "Tensor"]
Stamped = tuple[tuple[Path, int], ...]  # files with the times of their last change


def covariance_root(features: np.ndarray) -> np.ndarray:
    """Return a matrix F, (min(n, d), d), with FᵀF the covariance (of n - 1) of ``features``, float64 (n, d)."""
    centered = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    # The triangle of a QR decomposition has the same product, without squaring the condition number.
    return centered if len(features) <= features.shape[1] else np.asarray(np.linalg.qr(centered, mode="r"))


def fid(sr: np.ndarray, hr: np.ndarray) -> float:
    """Compute the Fréchet distance between Gaussians fitted to two sets of features (Heusel et al., 2017, equation 6).

    tr (S₁S₂)^½ is the sum of the singular values of F₁F₂ᵀ for any F with FᵀF = S: a matrix of n by m, not d by d.

    Args:
        sr: features (n, d).
        hr: features (m, d).
    """
    sr, hr = sr.astype(np.float64), hr.astype(np.float64)
    first, second = covariance_root(sr), covariance_root(hr)
    root = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    shift = sr.mean(axis=0) - hr.mean(axis=0)
    return float(shift @ shift + (first**2).sum() + (second**2).sum() - 2 * root)


def kid(sr: np.ndarray, hr: np.ndarray) -> float:
    """Compute the kernel distance (Binkowski et al., 2018, section 4): the squared MMD with kernel (x·y/d + 1)³.

    It is unbiased, so it can be below 0, and unlike FID its mean does not depend on the number of images. It is
    computed over all images at once; the usual average over random subsets has the same mean and additional randomness.

    Args:
        sr: features (n, d).
        hr: features (m, d).
    """
    sr, hr = sr.astype(np.float64), hr.astype(np.float64)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)

    def within(x: np.ndarray) -> float:
        values = kernel(x, x)
        return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)))

    return within(sr) + within(hr) - 2 * float(kernel(sr, hr).mean())


DISTANCES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"fid": fid, "kid": kid}


def set_note(images: int) -> str:
    """Return the note on every distance between sets with this number of ``images``."""
    warning = f"; with fewer than {FEW} compare only with values of the same images" if images < FEW else ""
    return f"of {images} images{warning}"


@lru_cache(maxsize=1)
def load_inception(weights: Path, device: str) -> Any:
    """Load clean-fid's port of the Inception network, features only, with the values in the file ``weights``."""
    from cleanfid import inception_pytorch

    def read(*_: object, **__: object) -> dict[str, Tensor]:
        return read_tensors(weights)

    try:
        with patch.object(inception_pytorch, "load_state_dict_from_url", read), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # clean-fid calls torchvision by names that are deprecated
            network = inception_pytorch.InceptionV3(resize_input=False, normalize_input=False)
    except LOADING_ERRORS as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{weights}: not the Inception network of FID ({reason[:200]}), get it anew") from error
    return network.eval().to(device)


def build_features(weights: Path, mode: str, device: str) -> Network:
    """Build the function from images, float32 (N, 3, 299, 299) in 0 to 255, to features (N, 2048).

    Each of clean-fid's modes scales images in its own way.
    """
    network = load_inception(weights, device)

    def scale(batch: Tensor) -> Tensor:
        return 2 * (batch / 255) - 1 if mode == "legacy_pytorch" else (batch - 128) / 128

    return lambda batch: network(scale(batch))[0].flatten(1)


def resize_like_tensorflow(image: np.ndarray) -> np.ndarray:
    """Resize uint8 (H, W, 3) to float32 (299, 299, 3) as TensorFlow 1 did: bilinear, from the corners of pixels.

    clean-fid leaves this to the TorchScript network.
    """

    def taps(length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        place = np.arange(SIDE, dtype=np.float32) * np.float32(length / SIDE)
        low = np.floor(place).astype(np.int64)
        return low, np.minimum(low + 1, length - 1), place - low

    top, bottom, down = taps(image.shape[0])
    left, right, across = taps(image.shape[1])
    pixels, across, down = image.astype(np.float32), across[None, :, None], down[:, None, None]
    above, below = (pixels[rows][:, left] + (pixels[rows][:, right] - pixels[rows][:, left]) * across
                    for rows in (top, bottom))  # fmt: skip
    return np.asarray(above + (below - above) * down, np.float32)


def compute_features(images: Sequence[Path], weights: Path, mode: str, device: str, decoders: int = 0) -> np.ndarray:
    """Compute Inception features (N, 2048) of the files ``images``, in their order; ``decoders`` processes read."""
    from cleanfid.fid import get_files_features

    return np.asarray(
        get_files_features(
            list(images),
            build_features(weights, mode, device),
            num_workers=decoders,
            batch_size=BATCH,
            device=device,
            mode=mode,
            custom_fn_resize=resize_like_tensorflow if mode == "legacy_tensorflow" else None,
            verbose=False,
        )
    )


@lru_cache(maxsize=4)
def set_features(images: Stamped, weights: Path, mode: str, device: str, workers: int) -> np.ndarray:
    """Return Inception features (N, 2048) of a set of files, which FID and KID share.

    On a CPU, each of ``workers`` processes computes a batch of images; the batches are those of a single process. On a
    GPU, the processes decode.
    """
    files = [path for path, _ in images]
    if device != "cpu" or workers == 1:
        return compute_features(files, weights, mode, device, 0 if device == "cpu" else workers)
    load_inception(weights, device)  # before processes are forked, so that they share it
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    parts = []
    with pool(workers) as processes, tqdm(total=len(files), desc="features", unit="image") as bar:
        for part in processes.map(compute_features, batches, repeat(weights), repeat(mode), repeat(device)):
            parts.append(part)
            bar.update(len(part))
    return np.concatenate(parts)


def build_distance(
    name: str, weights: Path, mode: str, device: str, workers: int
) -> Callable[[Sequence[Path], Sequence[Path]], float]:
    """Build the distance ``name`` of DISTANCES as a function of two sets of files; ``mode`` is one of clean-fid's.

    The features of the HR images are kept for other methods (``feature_store``).

    Raises:
        InputError: ``weights`` is not the Inception network.
    """
    import torch

    load_inception(weights, device)

    def stamp(images: Sequence[Path]) -> Stamped:
        return tuple((path.resolve(), path.stat().st_mtime_ns) for path in images)

    def features(images: Sequence[Path]) -> np.ndarray:
        return set_features(stamp(images), weights, mode, device, workers)

    def distance(sr: Sequence[Path], hr: Sequence[Path]) -> float:
        store = open_store()
        if not store.limit:
            return DISTANCES[name](features(sr), features(hr))
        definition = f"inception {digest(weights)} {mode} {device} {torch.__version__}"
        key = feature_key(definition, [sha256(path).encode() for path in hr])
        (kept,) = store.get(key, lambda: [torch.from_numpy(features(hr))])
        return DISTANCES[name](features(sr), kept.numpy())

    return distance
