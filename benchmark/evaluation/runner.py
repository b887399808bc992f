"""Measure every available metric on folders of SR images, of HR images where there are some, and of LR images.

Each process measures one pair at a time. With a GPU, metrics that are networks get batches of pairs of
one size. These pairs are decoded in advance, while the processes measure the metrics that are not networks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
from tqdm import tqdm

from benchmark.evaluation.cache import ResultCache
from benchmark.evaluation.control import check_here, check_metrics
from benchmark.evaluation.pairs import (
    Pair,
    Task,
    Values,
    checked_value,
    inspect_pair,
    match_all,
    measure_batches,
    measure_pair,
    pair_metric,
)
from benchmark.evaluation.workers import count_cores, pool, sensible_workers
from benchmark.metrics.build import (
    as_pair_metric,
    build_batch_metric,
    build_set_metric,
    metric_note,
    unavailable_reason,
)
from benchmark.metrics.fid_kid import set_note
from benchmark.metrics.registry import Selection
from benchmark.metrics.weights import weights_digests
from osediff.common.errors import InputError
from osediff.common.shards import Shard

Keep = Callable[[Pair, Values], None]


@dataclass(frozen=True)
class Resources:
    """What an evaluation may use. ``workers`` never changes a value; ``batch`` is used only on a GPU."""

    device: str = "cpu"
    workers: int | None = None  # processes; None: as many as are worth it
    batch: int = 8


@dataclass(frozen=True)
class Part:
    """The part of an evaluation that a job does.

    Attributes:
        shard: measures only these images, and no metric of a whole set; None: everything.
        measured: files with the values of shards, which are not measured again.
    """

    shard: Shard | None = None
    measured: tuple[Path, ...] = ()


@dataclass
class Evaluation:
    """Measured rows (image, metric, value), and a note for each metric. ``image`` is empty for a whole set.

    A metric without a row could not be measured here, and its note says why.
    """

    rows: list[tuple[str, str, float]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)


def evaluate(
    sr: Path,
    hr: Path | None,
    selection: Selection,
    partial_file: Path,
    resources: Resources | None = None,
    lr: Path | None = None,
    part: Part | None = None,
) -> Evaluation:
    """Measure every metric of ``selection`` on the images of ``sr``, paired by stem with those of ``hr`` and ``lr``.

    Args:
        sr: folder of SR images.
        hr: folder of HR images; None: there are none, and metrics that need them are left out.
        selection: the metrics.
        partial_file: stores every value at once; values that it already has are not measured again.
        resources: device, processes, batch.
        lr: folder of LR images; None: metrics that need them are left out. Without ``hr``, it must be given.
        part: a shard, or the values of all shards.

    Raises:
        InputError: images do not pair or differ in size, or a metric has no value.
    """
    resources, part = resources or Resources(), part or Part()
    matched = match_all(sr, hr, lr)
    if part.shard:
        # Whole batches, so that a GPU measures the same images together as without shards.
        starts = range(0, len(matched), 1 if resources.device == "cpu" else resources.batch)
        size = starts.step
        matched = [match for start in part.shard.of(starts) for match in matched[start : start + size]]
    workers = resources.workers or sensible_workers(len(matched), count_cores())
    pair_metric.cache_clear()
    cv2.setNumThreads(1)
    notes = note_metrics(selection, len(matched), hr is not None, lr is not None)
    chosen = [name for name in selection.metrics if name not in notes.unavailable]
    of_images = [name for name in chosen if selection.metrics[name].level == "image"]
    of_sets = [name for name in chosen if selection.metrics[name].level == "set" and not part.shard]
    with ThreadPoolExecutor(workers) as threads:
        images = list(threads.map(lambda match: inspect_pair(*match), matched))
    check_sizes(images, of_images, selection)

    rows: list[tuple[str, str, float]] = []
    with ResultCache(partial_file, resources.device, 1 if resources.device == "cpu" else resources.batch) as cache:
        for path in part.measured:
            cache.read(path)
        definitions = {name: define(name, selection) for name in chosen}
        keys = {
            (pair, n): cache.key(n, definitions[n], pair.digests_for(selection.metrics[n]))
            for pair in images
            for n in of_images
        }
        todo = [Task(pair, tuple(n for n in of_images if keys[pair, n] not in cache)) for pair in images]
        total, missing = len(keys) + len(of_sets), sum(len(task.metrics) for task in todo)
        with tqdm(total=total, initial=len(keys) - missing, desc=str(sr), unit="value", file=sys.stderr) as bar:

            def keep(pair: Pair, values: Values) -> None:
                for name, value in values.items():
                    cache.add(keys[pair, name], pair.stem, name, value)
                bar.update(len(values))

            measure([task for task in todo if task.metrics], selection, resources, workers, keep)
            rows += [(pair.stem, name, cache[keys[pair, name]]) for pair in images for name in of_images]
            for name in of_sets:
                key = cache.key(name, definitions[name], [digest for pair in images for digest in pair.digests])
                if key not in cache:
                    distance = build_set_metric(name, selection, resources.device, workers)
                    files = [pair.sr for pair in images], [pair.hr for pair in images]
                    cache.add(key, "", name, checked_value(name, partial(distance, *files), sr))
                rows.append(("", name, cache[key]))
                bar.update()
    return Evaluation(rows, notes.notes)


@dataclass(frozen=True)
class Notes:
    """The note of every metric, and which of them cannot be measured here."""

    notes: dict[str, str]
    unavailable: frozenset[str]


def note_metrics(selection: Selection, images: int, has_hr: bool, has_lr: bool) -> Notes:
    """Return the notes of the metrics of ``selection`` on a test set with this number of ``images``."""
    notes, unavailable = {}, set()
    for name, metric in selection.metrics.items():
        reason = "" if has_hr or not metric.needs_reference else "needs HR images, and the test set has none"
        if metric.needs_lr and not has_lr:
            reason = "needs LR images: name their folder by --lr"
        reason = reason or unavailable_reason(name, selection)
        if not reason and metric.level == "set" and images < 2:
            reason = "needs two images or more"
        if reason:
            unavailable.add(name)
            notes[name] = reason
        else:
            parts = [set_note(images)] if metric.level == "set" else []
            notes[name] = "; ".join(filter(None, [*parts, metric_note(name, selection)]))
    return Notes(notes, frozenset(unavailable))


def check_sizes(images: Sequence[Pair], metrics: Sequence[str], selection: Selection) -> None:
    """Raise InputError at the first image that is too small for one of ``metrics``."""
    for pair in images:
        for name in metrics:
            if min(pair.size) < (smallest := selection.metrics[name].min_size):
                raise InputError(f"{pair.sr} is too small for {name}: it needs {smallest} pixels on each side")


def define(name: str, selection: Selection) -> str:
    """Return a text of all that decides the values of metric ``name`` besides the images: definition and weights."""
    chosen = Selection(
        libraries=selection.libraries,
        metrics={name: selection.metrics[name]},
        protocols={name: selection.protocols[name]},
        weights={key: selection.weights[key] for keys in selection.metrics[name].weight_choices for key in keys},
    )
    return f"{chosen.model_dump_json()} {weights_digests(name, selection)}"


def measure(tasks: Sequence[Task], selection: Selection, resources: Resources, workers: int, keep: Keep) -> None:
    """Measure ``tasks`` and call ``keep`` with the values of each pair, in any order and from two threads."""
    wanted = list(dict.fromkeys(name for task in tasks for name in task.metrics))
    if not wanted:
        return
    networks = [n for n in wanted if resources.device != "cpu" and selection.metrics[n].library == "pyiqa"]
    definitions = {
        name: selection.model_copy(update={"metrics": {name: selection.metrics[name]}}).model_dump_json()
        for name in wanted
        if name not in networks
    }
    references = [task.pair.hr for task in tasks]

    def measure_on_device() -> None:
        functions = {name: build_batch_metric(name, selection, resources.device) for name in networks}
        check_metrics(references, selection.metrics, {n: as_pair_metric(f) for n, f in functions.items()})
        chosen = [task for task in (task.only(networks) for task in tasks) if task.metrics]
        for pair, values in measure_batches(chosen, functions, resources.batch, workers):
            keep(pair, values)

    rest = [(task.pair, {n: definitions[n] for n in task.metrics if n in definitions}) for task in tasks]
    rest = [(pair, some) for pair, some in rest if some]
    if workers == 1:
        check_here(references, definitions)
        for pair, some in rest:
            keep(pair, measure_pair(pair, some))
        measure_on_device()
    else:
        measure_in_processes(rest, references, definitions, workers, keep, measure_on_device)


def measure_in_processes(
    tasks: Sequence[tuple[Pair, dict[str, str]]],
    references: Sequence[Path],
    definitions: dict[str, str],
    workers: int,
    keep: Keep,
    meanwhile: Callable[[], None],
) -> None:
    """Measure pairs in ``workers`` processes, while this process calls ``meanwhile``."""
    for name, definition in definitions.items():
        pair_metric(name, definition)  # before the processes are forked, which share its network then
    with pool(workers) as processes, ThreadPoolExecutor(1) as collector:
        processes.submit(check_here, references, definitions).result()
        futures = {processes.submit(measure_pair, pair, some): pair for pair, some in tasks}

        def collect() -> None:
            for future in as_completed(futures):
                keep(futures[future], future.result())

        collecting = collector.submit(collect)
        try:
            meanwhile()
            collecting.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise
