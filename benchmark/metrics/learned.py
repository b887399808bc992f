"""Learned metrics of images: pyiqa's networks on batches of image pairs.

pyiqa's license is non-commercial: it is called, never copied, and imported only when one of its metrics is built.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.economy import HR_CALL, SharedReference, economize
from benchmark.metrics.feature_store import FeatureStore
from benchmark.metrics.registry import Measure
from osediff.common.pyiqa_networks import create

if TYPE_CHECKING:
    from torch import Tensor

# Values of equally large SR and HR images, uint8 (H, W, 3) each.
BatchMetric = Callable[[Sequence[np.ndarray], Sequence[np.ndarray]], list[float]]
ONE_BY_ONE = ("AFINE", "PI")  # networks that take no batches
Window = tuple[int, int, int, int]  # top, bottom, left, right


def prepare_torch(device: str) -> None:
    """Make torch compute the same on every machine; InputError if there is no ``device``."""
    import torch

    from osediff.common.devices import check_device

    # The number of threads can decide the last digits, so it is set and not left to the machine.
    torch.set_num_threads(1)
    check_device(device)


def crop_windows(image: np.ndarray, number: int, size: int) -> list[Window]:
    """Draw ``number`` windows of ``size`` pixels a side in ``image``, uint8 (H, W, 3), which only its content decides.

    pyiqa drew them from one stream over all images, so that a value depended on the images measured before.
    """
    rng = np.random.default_rng([123, zlib.crc32(image.tobytes())])
    tops, lefts = (rng.integers(side - size + 1, size=number) for side in image.shape[:2])
    return [(int(top), int(top) + size, int(left), int(left) + size) for top, left in zip(tops, lefts, strict=True)]


def build_learned(
    metric: Measure, weights: Sequence[Path], device: str, definition: str = "", store: FeatureStore | None = None
) -> BatchMetric:
    """Build the function that measures ``metric``, one of pyiqa's, on several image pairs of one size at once.

    pyiqa gets images as float32 (N, 3, H, W) in [0, 1], so nothing needs clamping. A value may differ from that of a
    batch of one in its sixth decimal. On a CPU, ``store`` keeps what LPIPS and DISTS compute of HR images under a key
    that contains ``definition``. Wide linear layers (MUSIQ, MANIQA) are products of oneDNN there, which changes values
    by rounding (9e-7).

    Raises:
        InputError: there is no ``device``, or ``weights`` are not those of this network.
    """
    import torch

    from osediff.common.products import use_onednn_products

    prepare_torch(device)
    options: dict[str, Any] = dict(metric.options)
    model = create(str(metric.name), weights, device, **options)
    network: Any = model.net
    economize(network)
    use_onednn_products(network)
    keeps_features = store is not None and device == "cpu" and type(network).__name__ in HR_CALL
    shared = SharedReference(network, definition, store) if store is not None and keeps_features else None

    def as_batch(images: Sequence[np.ndarray]) -> Tensor:
        height, width = (side // metric.side_multiple * metric.side_multiple for side in images[0].shape[:2])
        return torch.from_numpy(np.stack(images)[:, :height, :width]).to(device).permute(0, 3, 1, 2).float() / 255

    def measure_crops(image: np.ndarray, tensor: Tensor, number: int) -> float:
        windows = crop_windows(image, number, metric.min_size)
        crops = [tensor[None, :, top:bottom, left:right] for top, bottom, left, right in windows]
        return float(torch.stack([model(crop).mean() for crop in crops]).mean())

    def measure(sr: Sequence[np.ndarray], hr: Sequence[np.ndarray]) -> list[float]:
        batch = as_batch(sr)
        if metric.random_crops is not None:
            return [measure_crops(*pair, metric.random_crops) for pair in zip(sr, batch, strict=True)]
        if type(network).__name__ in ONE_BY_ONE:
            return [float(model(as_batch([one]), as_batch([other]))) for one, other in zip(sr, hr, strict=True)]
        if shared is not None:
            shared.expect(hr)
        return [float(value) for value in model(batch, as_batch(hr)).reshape(len(sr))]

    return measure
