"""Values of metrics on pairs of images: a pair at a time, in any process, or in batches on a device.

Before they are worth anything, a metric must tell a true image from a worse one (``control``).
"""

from __future__ import annotations

import itertools
import json
import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.metrics import build as metrics
from benchmark.metrics.weights import choices
from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.images import read_rgb, rgb_size

TOLERANCE = 1e-3  # of a learned metric on equal images: its last digits differ between machines
# Mean difference in gray levels that a shrunken and enlarged image must have for a metric to be asked about it.
NOTICEABLE = 1.0


@dataclass(frozen=True)
class Pair:
    """An SR and an HR image of one size (width, height), with the sha256 of both files."""

    stem: str
    sr: Path
    hr: Path
    size: tuple[int, int]
    digests: tuple[str, str]


Task = tuple[Pair, tuple[str, ...]]  # a pair, and the metrics to measure on it


def inspected(stem: str, sr: Path, hr: Path) -> Pair:
    """The pair, by the headers of its images; InputError where these are not 8-bit RGB or not of one size."""
    sizes = rgb_size(sr), rgb_size(hr)
    if sizes[0] != sizes[1]:
        one, other = ("{}x{}".format(*size) for size in sizes)
        raise InputError(f"{sr} is {one} but {hr} is {other}; they must have one size")
    return Pair(stem, sr, hr, sizes[0], (sha256(sr), sha256(hr)))


def definition(name: str, registry: metrics.Registry) -> str:
    """All that ``metrics.build`` needs of the registry for one metric, as text, by which it can be remembered."""
    metric = registry["metrics"][name]
    keys = [key for choice in choices(metric) for key in choice]
    return json.dumps({"metrics": {name: metric}, "weights": {key: registry["weights"][key] for key in keys}})


@cache
def function(name: str, text: str) -> metrics.Score:
    """The metric on a CPU, built once in a process; what was built before a process is forked is shared with it."""
    return metrics.build(name, json.loads(text))


def checked(name: str, registry: metrics.Registry, measure: Callable[[], float], of: Path) -> float:
    """One value; InputError naming the metric and ``of`` (image or folder) when there is none."""
    title = registry["metrics"][name]["title"]
    try:
        value = measure()
    except (RuntimeError, ValueError) as error:  # a singular matrix, or no memory
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{title} of {of} fails ({reason}); leave {name} out of --metrics to go on") from error
    if not math.isfinite(value):
        raise InputError(f"{title} of {of} is {value}; look at the image, or leave {name} out of --metrics")
    return value


def values(pair: Pair, definitions: dict[str, str]) -> dict[str, float]:
    """Every metric of ``definitions`` on ``pair``, decoded once."""
    sr, hr = read_rgb(pair.sr), read_rgb(pair.hr)
    sr.flags.writeable = hr.flags.writeable = False  # so that their luma is computed once
    found = {}
    for name, text in definitions.items():
        measure = partial(function(name, text), sr, hr)
        found[name] = checked(name, json.loads(text), measure, pair.sr)
    return found


def batched(
    tasks: list[Task], registry: metrics.Registry, functions: dict[str, metrics.Batched], size: int, threads: int
) -> Iterator[tuple[Pair, dict[str, float]]]:
    """The metrics of ``functions`` on the pairs of ``tasks``, ``size`` pairs of equal dimensions at a time.

    ``threads`` decode the next batches while the device computes; decoding leaves Python's lock."""

    def decoded(batch: list[Task]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return [read_rgb(pair.sr) for pair, _ in batch], [read_rgb(pair.hr) for pair, _ in batch]

    def alike(task: Task) -> tuple[tuple[int, int], tuple[str, ...]]:
        return task[0].size, task[1]

    groups = [list(group) for _, group in itertools.groupby(sorted(tasks, key=alike), alike)]
    batches = iter([group[start : start + size] for group in groups for start in range(0, len(group), size)])
    waiting: deque[tuple[list[Task], Future[tuple[list[np.ndarray], list[np.ndarray]]]]] = deque()
    with ThreadPoolExecutor(threads) as decoding:
        while True:
            for batch in itertools.islice(batches, threads + 1 - len(waiting)):
                waiting.append((batch, decoding.submit(decoded, batch)))
            if not waiting:
                return
            batch, images = waiting.popleft()
            found: list[dict[str, float]] = [{} for _ in batch]
            for name in batch[0][1]:
                of_metric = several(name, registry, functions[name], batch, *images.result())
                for index, value in enumerate(of_metric):
                    found[index][name] = value
            yield from ((pair, of_pair) for (pair, _), of_pair in zip(batch, found, strict=True))


def single(measure: metrics.Batched) -> metrics.Score:
    """A function of batches as one of a pair."""
    return lambda sr, hr: measure([sr], [hr])[0]


def several(
    name: str,
    registry: metrics.Registry,
    measure: metrics.Batched,
    batch: list[Task],
    sr: list[np.ndarray],
    hr: list[np.ndarray],
) -> list[float]:
    """The values of one metric on a batch; InputError naming the batch or the image where there is none."""
    found: list[float] = []

    def all_at_once() -> float:
        found.extend(measure(sr, hr))
        return 0.0

    checked(name, registry, all_at_once, batch[0][0].sr)
    return [checked(name, registry, partial(float, v), pair.sr) for (pair, _), v in zip(batch, found, strict=True)]


def control(images: list[Path], registry: metrics.Registry, functions: dict[str, metrics.Score]) -> None:
    """Tries every metric on the first true image that bicubic interpolation harms: itself, and shrunk and enlarged.

    InputError where the image against itself has not the value that the registry says, or where a metric takes the
    worse image for as good: its weights or its library do not work here. Of flat images nothing is asked."""
    for path in images:
        hr = read_rgb(path)
        worse = shrunk_and_enlarged(hr)
        if np.abs(hr.astype(np.int16) - worse).mean() >= NOTICEABLE:
            break
    else:
        return
    for name, measure in functions.items():
        metric = registry["metrics"][name]
        itself = checked(name, registry, partial(measure, hr, hr), path)
        other = checked(name, registry, partial(measure, worse, hr), path)
        blame = "the metric, its weights or its library do not work here"
        if "self_score" in metric and abs(itself - metric["self_score"]) > TOLERANCE:
            said = f"{metric['title']} of {path} against itself is {itself:.6f}, not {metric['self_score']}"
            raise InputError(f"{said}: {blame}")
        gap = (itself - other) * (1 if metric["higher_is_better"] else -1)
        if gap <= 0 if "self_score" in metric else gap == 0:
            said = f"{metric['title']} takes {path}, shrunk and enlarged again, for as good as itself ({other:.6f})"
            raise InputError(f"{said}: {blame}")


def control_here(images: list[Path], definitions: dict[str, str]) -> None:
    """``control`` of the metrics of ``definitions`` in the process that calls it."""
    registry = {"metrics": {name: json.loads(text)["metrics"][name] for name, text in definitions.items()}}
    control(images, registry, {name: function(name, text) for name, text in definitions.items()})


def shrunk_and_enlarged(image: np.ndarray) -> np.ndarray:
    """``image``, uint8 (H, W, 3), at a quarter of its size and back, both by bicubic interpolation."""
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((max(1, width // 4), max(1, height // 4)), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
