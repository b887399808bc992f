"""Check that a metric works here, before it measures: it must distinguish an image from a harmed copy of it."""

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
# Least mean difference, in gray levels, between an image and its reduced and upsampled copy for a useful check.
NOTICEABLE = 1.0


def reduce_and_upsample(image: np.ndarray) -> np.ndarray:
    """Reduce ``image``, uint8 (H, W, 3), to a quarter of its sides and upsample it again, both bicubic."""
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((max(1, width // 4), max(1, height // 4)), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def telling_image(images: Sequence[Path]) -> tuple[Path, np.ndarray, np.ndarray] | None:
    """Return the first of ``images`` that interpolation harms, its pixels and the harmed copy; None if all are flat."""
    for path in images:
        image = read_rgb(path)
        worse = reduce_and_upsample(image)
        if np.abs(image.astype(np.int16) - worse).mean() >= NOTICEABLE:
            return path, image, worse
    return None


def check_metrics(images: Sequence[Path], metrics: Mapping[str, Measure], functions: Mapping[str, PairMetric]) -> None:
    """Try every metric on the first HR image that bicubic interpolation harms: on itself and on its harmed copy.

    Raises:
        InputError: the score of the image against itself is not the registry's ``self_score``, or the harmed copy
            scores as well. Then the weights or the library of the metric do not work here. A metric without
            ``self_score`` may find no fault in both: seams are 0 in two images without a grid.
    """
    chosen = telling_image(images)
    if chosen is None:
        return
    path, hr, worse = chosen
    for name, function in functions.items():
        metric = metrics[name]
        perfect = checked_value(name, partial(function, hr, hr), path)
        other = checked_value(name, partial(function, worse, hr), path)
        blind = perfect == other != 0
        problem = ""
        if metric.self_score is not None and abs(perfect - metric.self_score) > TOLERANCE:
            problem = f"{name} of {path} against itself is {perfect:.6f}, not {metric.self_score:g}"
        elif (perfect - other) * metric.sign <= 0 if metric.self_score is not None else blind:
            problem = f"{name} takes {path}, reduced and upsampled again, for as good as itself ({other:.6f})"
        if problem:
            raise InputError(f"{problem}: the metric, its weights or its library do not work here")


def check_here(images: Sequence[Path], definitions: Mapping[str, str]) -> None:
    """Call ``check_metrics`` in this process, for ``definitions`` of metrics (by name, as for ``read_definition``)."""
    metrics = {name: read_definition(text).metrics[name] for name, text in definitions.items()}
    check_metrics(images, metrics, {name: pair_metric(name, text) for name, text in definitions.items()})
