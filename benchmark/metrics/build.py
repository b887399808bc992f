"""Build the function that measures a metric of the registry, or say why it cannot be measured here.

All images are 8-bit RGB arrays, uint8 (H, W, 3). This package computes PSNR, SSIM, NIQE, color shift and seams, FID and
KID use clean-fid, and the other metrics are from pyiqa. A library is imported when one of its metrics is built;
nothing is ever downloaded.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmark.metrics.color_shift import color_shift
from benchmark.metrics.feature_store import open_store
from benchmark.metrics.learned import BatchMetric, build_learned, prepare_torch
from benchmark.metrics.niqe import niqe
from benchmark.metrics.psnr_ssim import psnr, ssim
from benchmark.metrics.registry import MetricRegistry, Selection
from benchmark.metrics.seams import seams
from benchmark.metrics.weights import missing_weights, usable_weights, weights_digests, weights_note

PairMetric = Callable[[np.ndarray, np.ndarray], float]  # of an SR and an HR image, or an LR image (needs_lr)
SetMetric = Callable[[Sequence[Path], Sequence[Path]], float]  # of the files of SR and of HR images
BUILT_IN: dict[str, Callable[..., float]] = {
    "psnr": psnr,
    "ssim": ssim,
    "niqe": niqe,
    "color-shift": color_shift,
    "seams": seams,
}
PACKAGES = {"pyiqa": "pyiqa", "clean-fid": "cleanfid"}  # what to import of a library


def lacks_package(library: str) -> bool:
    """Return whether the Python package of ``library`` is not installed."""
    return library in PACKAGES and importlib.util.find_spec(PACKAGES[library]) is None


def unavailable_reason(name: str, selection: Selection | MetricRegistry) -> str:
    """Return in one line why metric ``name`` cannot be measured here, and how to get its files; empty if it can.

    The line is the same on every machine, since it stands in tables.
    """
    library = selection.metrics[name].library
    if reason := selection.metrics[name].not_measured:
        return reason
    if lacks_package(library):
        return f"needs the Python package {library}"
    if missing := missing_weights(name, selection):
        # Addresses would not fit below a table; the command knows them.
        command = f"python -m osediff.common.artifacts fetch metric-weights --only {' '.join(missing)}"
        return f"needs {' and '.join(missing.values())}: {command}"
    return ""


def metric_note(name: str, selection: Selection | MetricRegistry) -> str:
    """Return the note about the library and the weights with which metric ``name`` is measured here; may be empty."""
    notes = []
    library = selection.metrics[name].library
    if defined := selection.libraries.get(library):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            if (installed := importlib.metadata.version(library)) != defined:
                notes.append(f"measured with {library} {installed}, not {defined}")
    return "; ".join(filter(None, [*notes, weights_note(name, selection)]))


def build_pair_metric(name: str, selection: Selection, device: str = "cpu") -> PairMetric:
    """Build the function that measures metric ``name``, which has a value for each image, on one pair.

    Metrics without a reference ignore the HR image.

    Raises:
        InputError: there is no ``device``, or the metric's weights are not here or cannot be read.
    """
    metric = selection.metrics[name]
    if metric.library == "suite":
        return partial(BUILT_IN[name], **metric.options)
    return as_pair_metric(build_batch_metric(name, selection, device))


def build_batch_metric(name: str, selection: Selection, device: str) -> BatchMetric:
    """Build the function that measures metric ``name``, a learned metric of images, on several pairs of one size.

    Raises:
        InputError: as of ``build_pair_metric``.
    """
    metric, store = selection.metrics[name], open_store()
    versions = [importlib.metadata.version(package) for package in ("pyiqa", "torch")]
    definition = f"{metric.name} {versions} {metric.options} {weights_digests(name, selection)}"
    return build_learned(metric, usable_weights(name, selection), device, definition, store if store.limit else None)


def build_set_metric(name: str, selection: Selection, device: str = "cpu", workers: int = 1) -> SetMetric:
    """Build the function that measures metric ``name``, which has a value for a test set, with ``workers`` processes.

    Raises:
        InputError: as of ``build_pair_metric``.
    """
    from benchmark.metrics.fid_kid import build_distance

    (network,) = usable_weights(name, selection)
    prepare_torch(device)
    metric = selection.metrics[name]
    return build_distance(str(metric.name), network, str(metric.options["mode"]), device, workers)


def as_pair_metric(measure: BatchMetric) -> PairMetric:
    """Convert a metric of batches to a metric of single pairs."""
    return lambda sr, hr: measure([sr], [hr])[0]
