"""Measure metrics on pairs of images: one pair at a time, in any process, or in batches on a device."""

from __future__ import annotations

import itertools
import json
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from benchmark.metrics.build import PairMetric, build_pair_metric
from benchmark.metrics.learned import BatchMetric
from benchmark.metrics.registry import Measure, Selection
from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.images import list_images, read_rgb, rgb_size
from osediff.common.images import pairs as match_images
from osediff.common.settings import parse


@dataclass(frozen=True)
class Pair:
    """An SR and an HR image of one size (width, height), and the LR image if it is given, with the sha256 of each."""

    stem: str
    sr: Path
    hr: Path
    size: tuple[int, int]
    digests: tuple[str, str]
    lr: Path | None = None
    lr_digest: str = ""

    def digests_for(self, metric: Measure) -> tuple[str, str]:
        """Return the sha256 of the two images that ``metric`` compares."""
        return (self.digests[0], self.lr_digest) if metric.needs_lr else self.digests


@dataclass(frozen=True)
class Task:
    """A pair, and the metrics to measure on it."""

    pair: Pair
    metrics: tuple[str, ...]

    def only(self, metrics: Sequence[str]) -> Task:
        """Return the same task, reduced to the metrics that are in ``metrics``."""
        return Task(self.pair, tuple(name for name in self.metrics if name in metrics))


Values = dict[str, float]  # by metric
Images = list[np.ndarray]


Match = tuple[str, Path, Path, Path | None]  # stem, SR, HR and LR image


def match_all(sr: Path, hr: Path | None, lr: Path | None) -> list[Match]:
    """Match the images of three folders by stem. Without HR images, the SR image stands in the place of its HR image.

    Raises:
        InputError: the folders have other names, or an SR image is no multiple of its LR image.
    """
    if hr is None and lr is None:
        raise InputError("name the folder of HR images, or that of LR images where there are none")
    of_lr = {stem: image for stem, _, image in match_lr(sr, lr)} if lr else {}
    if hr is None:
        return [(stem, path, path, of_lr[stem]) for stem, path in list_images(sr).items()]
    return [(stem, image, reference, of_lr.get(stem)) for stem, image, reference in match_images(sr, hr)]


def match_lr(sr: Path, lr: Path) -> list[tuple[str, Path, Path]]:
    """Return stem, SR image and LR image of each pair; InputError as of ``match_all``."""
    matched = match_images(sr, lr)
    for _, image, small in matched:
        (width, height), (lr_width, lr_height) = rgb_size(image), rgb_size(small)
        if width % lr_width or height % lr_height or width // lr_width != height // lr_height:
            raise InputError(f"{image} is {width}x{height}, no multiple of {small}, {lr_width}x{lr_height}")
    return matched


def inspect_pair(stem: str, sr: Path, hr: Path, lr: Path | None = None) -> Pair:
    """Read the headers of SR and HR image; InputError if they are not 8-bit RGB or differ in size."""
    sizes = rgb_size(sr), rgb_size(hr)
    if sizes[0] != sizes[1]:
        one, other = ("{}x{}".format(*size) for size in sizes)
        raise InputError(f"{sr} is {one} but {hr} is {other}; they must have one size")
    return Pair(stem, sr, hr, sizes[0], (sha256(sr), sha256(hr)), lr, sha256(lr) if lr else "")


def checked_value(name: str, measure: Callable[[], float], path: Path) -> float:
    """Return one value of metric ``name``; InputError with its name and ``path`` (image or folder) if it has none."""
    try:
        value = measure()
    except (RuntimeError, ValueError) as error:  # a singular matrix, or no memory
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{name} of {path} fails ({reason}); leave it out of --metrics to go on") from error
    if not math.isfinite(value):
        raise InputError(f"{name} of {path} is {value}; look at the image, or leave {name} out of --metrics")
    return value


def read_definition(definition: str) -> Selection:
    """Return a selection of metrics from its JSON: text can be remembered, and sent to another process."""
    return parse(json.loads(definition), Selection, "definition of a metric")


@cache
def pair_metric(name: str, definition: str) -> PairMetric:
    """Return the metric on a CPU. It is built once in a process, and shared with processes that are forked later."""
    return build_pair_metric(name, read_definition(definition))


@cache
def compares_with_lr(name: str, definition: str) -> bool:
    """Return whether the metric gets the LR image in place of the HR image."""
    return read_definition(definition).metrics[name].needs_lr


def measure_pair(pair: Pair, definitions: Mapping[str, str]) -> Values:
    """Measure every metric of ``definitions`` (by name, as of ``read_definition``) on ``pair``, decoded once."""
    sr, hr = read_rgb(pair.sr), read_rgb(pair.hr)
    sr.flags.writeable = hr.flags.writeable = False  # so that their luma is computed once
    lr = read_rgb(pair.lr) if pair.lr else hr
    values = {}
    for name, definition in definitions.items():
        other = lr if compares_with_lr(name, definition) else hr
        values[name] = checked_value(name, partial(pair_metric(name, definition), sr, other), pair.sr)
    return values


def decode(tasks: Sequence[Task]) -> tuple[Images, Images]:
    """Return the SR and the HR images of ``tasks``."""
    return [read_rgb(task.pair.sr) for task in tasks], [read_rgb(task.pair.hr) for task in tasks]


def equal_batches(tasks: Sequence[Task], size: int) -> list[list[Task]]:
    """Return ``tasks`` in groups of at most ``size`` that have one image size and the same metrics."""

    def kind(task: Task) -> tuple[tuple[int, int], tuple[str, ...]]:
        return task.pair.size, task.metrics

    groups = [list(group) for _, group in itertools.groupby(sorted(tasks, key=kind), kind)]
    return [group[start : start + size] for group in groups for start in range(0, len(group), size)]


def decode_ahead(batches: Sequence[list[Task]], threads: int) -> Iterator[tuple[list[Task], tuple[Images, Images]]]:
    """Yield every batch with its images, while ``threads`` decode the next ones (decoding releases Python's lock)."""
    waiting: deque[tuple[list[Task], Future[tuple[Images, Images]]]] = deque()
    todo = iter(batches)
    with ThreadPoolExecutor(threads) as pool:
        while True:
            for batch in itertools.islice(todo, threads + 1 - len(waiting)):
                waiting.append((batch, pool.submit(decode, batch)))
            if not waiting:
                return
            batch, images = waiting.popleft()
            yield batch, images.result()


def measure_batches(
    tasks: Sequence[Task], metrics: Mapping[str, BatchMetric], size: int, threads: int
) -> Iterator[tuple[Pair, Values]]:
    """Measure ``metrics`` on the pairs of ``tasks``, ``size`` pairs of equal dimensions at a time."""
    for batch, (sr, hr) in decode_ahead(equal_batches(tasks, size), threads):
        values: list[Values] = [{} for _ in batch]
        for name in batch[0].metrics:
            for value, of_pair in zip(measure_batch(name, metrics[name], batch, sr, hr), values, strict=True):
                of_pair[name] = value
        yield from zip((task.pair for task in batch), values, strict=True)


def measure_batch(name: str, metric: BatchMetric, batch: Sequence[Task], sr: Images, hr: Images) -> list[float]:
    """Return the values of one metric on a batch; InputError with the name of an image that has none."""
    values: list[float] = []

    def measure() -> float:
        values.extend(metric(sr, hr))
        return 0.0

    checked_value(name, measure, batch[0].pair.sr)
    return [checked_value(name, partial(float, value), task.pair.sr) for task, value in zip(batch, values, strict=True)]
