"""Image quality metrics by the protocol of config/metrics.yaml: PSNR, SSIM and NIQE our own, others by pyiqa.

All images are 8-bit RGB arrays, uint8 (H, W, 3); pyiqa gets them as float32 (1, 3, H, W) in [0, 1], so nothing needs
clamping. pyiqa's license is non-commercial: it is called, and imported only when a metric of its is built. Its networks
get the weights that we read (osediff.common.pyiqa_networks); nothing is ever downloaded from here.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from benchmark.metrics import weights
from benchmark.metrics.luminance import luma
from benchmark.metrics.niqe import niqe
from osediff.common.errors import InputError
from osediff.common.pyiqa_networks import create

Registry = dict[str, Any]
# A metric of images takes SR and HR arrays, a metric of sets takes the SR and the HR folder.
Score = Callable[[Any, Any], float]
Batched = Callable[[list[np.ndarray], list[np.ndarray]], list[float]]


def load(path: Path) -> Registry:
    """The metric registry (config/metrics.yaml); InputError where the file is missing or is not one."""
    try:
        registry = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"metric registry {path} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(registry, dict) or not {"protocol", "metrics", "weights"} <= registry.keys():
        raise InputError(f"metric registry {path} lacks protocol, metrics or weights; config/metrics.yaml is a model")
    return registry


def protocol(registry: Registry, name: str) -> str:
    """The protocol of metric ``name`` as it stands on every row of it: ``id/version``."""
    base = f"{registry['protocol']['id']}/{registry['protocol']['version']}"
    return str(registry["metrics"][name].get("protocol", base))


def cropped(image: np.ndarray, border: int) -> np.ndarray:
    """``image`` without ``border`` pixels on each side."""
    return image[border : image.shape[0] - border, border : image.shape[1] - border]


def psnr(sr: np.ndarray, hr: np.ndarray, color_space: str = "ycbcr", crop_border: int = 0) -> float:
    """Peak signal-to-noise ratio of luma in dB. The 1e-8 in the protocol caps it at 80 dB for equal images."""
    difference = cropped(luma(sr, color_space) - luma(hr, color_space), crop_border) / 255
    return -10 * math.log10(float(np.mean(difference**2)) + 1e-8)


def ssim(sr: np.ndarray, hr: np.ndarray, color_space: str = "ycbcr", crop_border: int = 0) -> float:
    """Structural similarity, 0 to 1, of luma rounded to 8 bits (Wang et al., 2004): Gaussian window 11x11, sigma 1.5,
    where the window fits. The contrast-structure term is clamped at 0, as in pyiqa and unlike in scikit-image."""
    x, y = (np.rint(cropped(luma(image, color_space), crop_border)) for image in (sr, hr))
    window = cv2.getGaussianKernel(11, 1.5, cv2.CV_64F)

    def blurred(image: np.ndarray) -> np.ndarray:
        return cropped(cv2.sepFilter2D(image, cv2.CV_64F, window, window), 5)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = blurred(x), blurred(y)
    variance_x, variance_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    contrast_structure = np.maximum((2 * covariance + c2) / (variance_x + variance_y + c2), 0)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * contrast_structure))


def crop_windows(image: np.ndarray, number: int, size: int) -> list[tuple[int, int, int, int]]:
    """``number`` windows (top, bottom, left, right) of ``size`` pixels in ``image``, (H, W, 3), drawn by its content.

    pyiqa drew them from one stream over all images, so that a value depended on what was measured before."""
    rng = np.random.default_rng([123, zlib.crc32(image.tobytes())])
    tops, lefts = (rng.integers(side - size + 1, size=number) for side in image.shape[:2])
    return [(int(top), int(top) + size, int(left), int(left) + size) for top, left in zip(tops, lefts, strict=True)]


OWN: dict[str, Callable[..., float]] = {"psnr": psnr, "ssim": ssim, "niqe": niqe}


def absence(name: str, registry: Registry) -> str | None:
    """Why metric ``name`` cannot be measured here, in one line that says how to get what is missing; None if it can.

    The line is the same on every machine, since it stands in tables."""
    metric = registry["metrics"][name]
    if metric["library"] == "pyiqa" and importlib.util.find_spec("pyiqa") is None:
        return "needs the Python package pyiqa"
    if weights.available(name, registry) is not None:
        return None
    needs = weights.missing(name, registry)
    # Addresses would not fit below a table; the command knows them.
    command = f"python -m osediff.common.artifacts fetch metric-weights --only {' '.join(needs)}"
    return f"needs {' and '.join(needs.values())}: {command}"


def remark(name: str, registry: Registry) -> str:
    """What a reader of the values of metric ``name`` must know about its library and weights here; empty if nothing."""
    lines = []
    library = registry["metrics"][name]["library"]
    if library in (versions := registry.get("libraries", {})):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            if (installed := importlib.metadata.version(library)) != versions[library]:
                lines.append(f"measured with {library} {installed}, not {versions[library]}")
    if note := weights.remark(name, registry):
        lines.append(note)
    return "; ".join(lines)


def build(name: str, registry: Registry, device: str = "cpu", workers: int = 1) -> Score:
    """The function that measures metric ``name``; its weights must be there (``absence`` says so).

    Level ``image``: f(SR, HR) of arrays uint8 (H, W, 3). Level ``set``: f(SR folder, HR folder), with ``workers``
    processes. Metrics without a reference ignore HR. InputError: no such device, or weights that cannot be read."""
    metric = registry["metrics"][name]
    if metric["library"] == "own":
        function, options = OWN[name], metric["options"]
        return lambda sr, hr: function(sr, hr, **options)
    if metric["level"] == "set":
        from benchmark.metrics.fid_kid import build as build_distance

        (network,) = weight_paths(name, registry)
        prepare(device)
        return build_distance(metric["name"], network, device, workers, **metric["options"])
    several = build_batched(name, registry, device)
    return lambda sr, hr: several([sr], [hr])[0]


def weight_paths(name: str, registry: Registry) -> list[Path]:
    """The files of metric ``name``; InputError where they are not here, or where one may not be used.

    CLIP's file is a program beside its weights, so it must be the one that the registry names."""
    files = weights.available(name, registry)
    if files is None:
        raise InputError(f"{registry['metrics'][name]['title']}: {absence(name, registry)}")
    for file in files:
        if file.key == "clip-rn50" and not file.official:
            raise InputError(f"{file.path}: is another file than config/metrics.yaml says; remove it to fetch it anew")
    return [file.path for file in files]


def prepare(device: str) -> None:
    """Set torch up for a metric on ``device``; InputError where there is no such device."""
    import torch

    from osediff.common.devices import check_device

    # The number of threads can decide the last digits, so it is set and not left to the machine.
    torch.set_num_threads(1)
    check_device(device)


def build_batched(name: str, registry: Registry, device: str) -> Batched:
    """The function that measures metric ``name``, one of images and of pyiqa, on several pairs of one size at once.

    It takes lists of SR and of HR images, uint8 (H, W, 3). A value may differ from that of a batch of one in its sixth
    decimal."""
    metric = registry["metrics"][name]
    prepare(device)
    import torch

    model = create(metric["name"], weight_paths(name, registry), device, **metric["options"])

    def several(sr: list[np.ndarray], hr: list[np.ndarray]) -> list[float]:
        batches = (torch.from_numpy(np.stack(images)).to(device) for images in (sr, hr))
        first, second = (batch.permute(0, 3, 1, 2).float() / 255 for batch in batches)
        if "random_crops" in metric:
            return [of_crops(*pair) for pair in zip(sr, first, strict=True)]
        return [float(value) for value in model(first, second).reshape(len(sr))]

    def of_crops(image: np.ndarray, tensor: torch.Tensor) -> float:
        windows = crop_windows(image, metric["random_crops"], metric["min_size"])
        crops = [tensor[None, :, top:bottom, left:right] for top, bottom, left, right in windows]
        return float(torch.stack([model(crop).mean() for crop in crops]).mean())

    return several
