"""Before its values are worth anything, a metric must tell a true image from a worse one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.evaluation.pairs import checked_value, pair_metric, read_definition
from benchmark.metrics.build import PairMetric
from benchmark.metrics.registry import Measure
from osediff.common.errors import InputError
from osediff.common.images import read_rgb

TOLERANCE = 1e-3  # of a learned metric on equal images: its last digits differ between machines
# Mean difference in gray levels that a shrunken and enlarged image must have for a metric to be asked about it.
NOTICEABLE = 1.0


def shrink_and_enlarge(image: np.ndarray) -> np.ndarray:
    """Return ``image``, uint8 (H, W, 3), at a quarter of its size and back, both by bicubic interpolation."""
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((max(1, width // 4), max(1, height // 4)), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def telling_image(images: Sequence[Path]) -> tuple[Path, np.ndarray, np.ndarray] | None:
    """Return the first of ``images`` that interpolation harms, its pixels and the harmed ones; None if all are flat."""
    for path in images:
        image = read_rgb(path)
        worse = shrink_and_enlarge(image)
        if np.abs(image.astype(np.int16) - worse).mean() >= NOTICEABLE:
            return path, image, worse
    return None


def check_metrics(images: Sequence[Path], metrics: Mapping[str, Measure], functions: Mapping[str, PairMetric]) -> None:
    """Try every metric on the first true image that bicubic interpolation harms: itself, and shrunk and enlarged.

    Raises:
        InputError: the image against itself has not the value that the registry says, or a metric takes the worse
            image for as good: its weights or its library do not work here.
    """
    chosen = telling_image(images)
    if chosen is None:
        return
    path, hr, worse = chosen
    for name, function in functions.items():
        metric = metrics[name]
        perfect = checked_value(name, partial(function, hr, hr), path)
        other = checked_value(name, partial(function, worse, hr), path)
        problem = ""
        if metric.self_score is not None and abs(perfect - metric.self_score) > TOLERANCE:
            problem = f"{name} of {path} against itself is {perfect:.6f}, not {metric.self_score:g}"
        elif (perfect - other) * metric.sign <= 0 if metric.self_score is not None else perfect == other:
            problem = f"{name} takes {path}, shrunk and enlarged again, for as good as itself ({other:.6f})"
        if problem:
            raise InputError(f"{problem}: the metric, its weights or its library do not work here")


def check_here(images: Sequence[Path], definitions: Mapping[str, str]) -> None:
    """Do ``check_metrics`` in this process, for ``definitions`` of metrics (by name, as of ``read_definition``)."""
    metrics = {name: read_definition(text).metrics[name] for name, text in definitions.items()}
    check_metrics(images, metrics, {name: pair_metric(name, text) for name, text in definitions.items()})
