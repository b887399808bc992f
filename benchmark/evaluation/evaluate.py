"""Measure one method on one test set: SR images against HR images, one row per image and metric.

    python -m benchmark.evaluation.evaluate --sr DIR --hr DIR --out FILE.csv [--metrics psnr ssim ...]

Columns: method, test_set, image, metric, value (6 decimals), protocol, note. ``image`` is empty for metrics of the
whole set (FID) and for metrics that cannot be measured here; those have no value and a note that says why. Images are
paired by stem. What is finished is kept in FILE.csv.partial, so that the same command continues after a stop.

Each process takes a pair at a time. With a GPU, networks get batches of pairs of one size, decoded ahead, and the
processes measure the rest beside. Two controls come first, on a true image: each metric on the image against itself,
and against itself shrunk to a quarter and enlarged by bicubic interpolation.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import functools
import hashlib
import json
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TextIO

import cv2
from tqdm import tqdm

from benchmark.evaluation import runner as scores
from benchmark.evaluation.runner import Pair, Task
from benchmark.evaluation.workers import cores, pool, sensible
from benchmark.metrics import build as metrics
from benchmark.metrics.fid_kid import remark, staged
from benchmark.metrics.protocols import resolve
from benchmark.metrics.weights import digests as weight_digests
from osediff.common.errors import InputError, run
from osediff.common.files import atomic, lock
from osediff.common.images import pairs
from osediff.common.restore_folder import refuse_random, unusable
from osediff.common.weights import torch_home, weights_folder

COLUMNS = ("method", "test_set", "image", "metric", "value", "protocol", "note")


class Finished:
    """The values measured so far, by what they depend on: a file of JSON lines that only grows."""

    def __init__(self, path: Path, *basis: str | int) -> None:
        self.basis = basis
        self.values: dict[str, float] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines():
            with contextlib.suppress(json.JSONDecodeError, KeyError):  # the line that a kill cut off
                row = json.loads(line)
                self.values[row["key"]] = row["value"]
        self.file: TextIO = path.open("a", encoding="utf-8")
        self.file.write("\n" if text and not text.endswith("\n") else "")

    def key(self, name: str, definition: list[object], digests: list[str]) -> str:
        """Key of one value: digest of the common basis, the metric's protocol and definition and the images' sha256."""
        basis = [*self.basis, name, definition, digests]
        return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()

    def add(self, key: str, image: str, name: str, value: float) -> None:
        """Keep one value of metric ``name``, in the file before the next one is measured."""
        self.values[key] = value
        self.file.write(json.dumps({"image": image, "metric": name, "value": value, "key": key}) + "\n")
        self.file.flush()


def measure(
    tasks: list[Task],
    registry: metrics.Registry,
    device: str,
    workers: int,
    batch: int,
    keep: Callable[[Pair, dict[str, float]], None],
) -> None:
    """Measures ``tasks`` and hands every pair's values to ``keep`` as they come, in no order and from two threads."""
    wanted = list(dict.fromkeys(name for _, names in tasks for name in names))
    if not wanted:
        return
    networks = [name for name in wanted if device != "cpu" and registry["metrics"][name]["library"] == "pyiqa"]
    texts = {name: scores.definition(name, registry) for name in wanted if name not in networks}
    for_device = [(pair, some) for pair, names in tasks if (some := tuple(n for n in names if n in networks))]
    for_processes = [(pair, few) for pair, names in tasks if (few := {n: texts[n] for n in names if n in texts})]
    references = [pair.hr for pair, _ in tasks]

    def on_device() -> None:
        functions = {name: metrics.build_batched(name, registry, device) for name in networks}
        single = {name: scores.single(several) for name, several in functions.items()}
        scores.control(references, registry, single)
        for pair, found in scores.batched(for_device, registry, functions, batch, workers):
            keep(pair, found)

    if workers == 1:
        scores.control_here(references, texts)
        for pair, definitions in for_processes:
            keep(pair, scores.values(pair, definitions))
        on_device()
        return
    for name, text in texts.items():
        scores.function(name, text)  # before the processes are forked, which share its network then
    with pool(workers) as processes, ThreadPoolExecutor(1) as collector:
        processes.submit(scores.control_here, references, texts).result()
        futures = {processes.submit(scores.values, pair, definitions): pair for pair, definitions in for_processes}

        def collect() -> None:
            for future in as_completed(futures):
                keep(futures[future], future.result())

        collecting = collector.submit(collect)
        try:
            on_device()
            collecting.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def evaluate(
    sr: Path,
    hr: Path,
    names: list[str],
    registry: metrics.Registry,
    partial: Path,
    device: str = "cpu",
    workers: int | None = None,
    batch: int = 8,
) -> tuple[list[tuple[str, str, float]], dict[str, str]]:
    """Rows (image, metric, value) of the folders ``sr`` and ``hr``, and what there is to note about each metric.

    A metric without a row could not be measured here, and its note says why. Values are kept in ``partial`` as they
    come, and taken from there where it has them. ``workers`` processes (None: as many as are worth it) do not change a
    value; ``batch`` counts on a GPU only. InputError: images that do not pair or do not fit."""
    matched = pairs(sr, hr)
    workers = workers or sensible(len(matched), cores())
    scores.function.cache_clear()
    cv2.setNumThreads(1)
    notes = {name: metrics.absence(name, registry) or "" for name in names}
    present = [name for name in names if not notes[name]]
    notes |= {name: metrics.remark(name, registry) for name in present}
    of_images = [name for name in present if registry["metrics"][name]["level"] == "image"]
    of_sets = [name for name in present if registry["metrics"][name]["level"] == "set"]
    notes |= {name: "; ".join(filter(None, [remark(len(matched)), notes[name]])) for name in of_sets}
    if len(matched) < 2:
        notes |= dict.fromkeys(of_sets, "needs two images or more")
        of_sets = []

    with ThreadPoolExecutor(workers) as threads:
        found = list(threads.map(lambda each: scores.inspected(*each), matched))
    for pair in found:
        for name in of_images:
            if min(pair.size) < (smallest := registry["metrics"][name]["min_size"]):
                raise InputError(f"{pair.sr} is too small for {name}: it needs {smallest} pixels on each side")

    finished = Finished(partial, device, 1 if device == "cpu" else batch)
    stated = {
        name: [metrics.protocol(registry, name), registry["metrics"][name], weight_digests(name, registry)]
        for name in present
    }
    keys = {(p, n): finished.key(n, stated[n], list(p.digests)) for p in found for n in of_images}
    missing = [(pair, tuple(n for n in of_images if keys[pair, n] not in finished.values)) for pair in found]
    total, todo = len(keys) + len(of_sets), sum(len(chosen) for _, chosen in missing)
    one = threading.Lock()
    with (
        contextlib.closing(finished.file),
        tqdm(total=total, initial=len(keys) - todo, desc=str(sr), unit="value", file=sys.stderr) as bar,
    ):

        def keep(pair: Pair, values: dict[str, float]) -> None:
            with one:
                for name, value in values.items():
                    finished.add(keys[pair, name], pair.stem, name, value)
                    bar.update()

        measure([task for task in missing if task[1]], registry, device, workers, batch, keep)
        rows = [(pair.stem, name, finished.values[keys[pair, name]]) for pair in found for name in of_images]
        digests = [digest for pair in found for digest in pair.digests]
        with tempfile.TemporaryDirectory() as temporary:
            sr_set = staged(Path(temporary) / "sr", [pair.sr for pair in found])
            hr_set = staged(Path(temporary) / "hr", [pair.hr for pair in found])
            for name in of_sets:
                key = finished.key(name, stated[name], digests)
                if key not in finished.values:
                    distance = functools.partial(metrics.build(name, registry, device, workers), sr_set, hr_set)
                    finished.add(key, "", name, scores.checked(name, registry, distance, sr))
                rows.append(("", name, finished.values[key]))
                bar.update()
    return rows, notes


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.evaluation.evaluate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--sr", type=Path, required=True, help="folder of the method's images")
    parser.add_argument("--hr", type=Path, required=True, help="folder of the true images, same names")
    parser.add_argument("--out", type=Path, required=True, help="CSV file to write")
    parser.add_argument("--record", type=Path, help="run.json of the method: where it failed, nothing is measured")
    parser.add_argument("--method", help="name in the method column (default: the SR folder's)")
    parser.add_argument("--test-set", help="name in the test_set column (default: the HR folder's)")
    parser.add_argument("--metrics", nargs="+", metavar="METRIC", help="default: all of the registry")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--protocol", help="one of the registry's protocols (default: its own, the paper's)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for the learned metrics")
    parser.add_argument("--workers", type=int, help="processes (default: one per core, fewer for few images)")
    parser.add_argument("--batch", type=int, default=8, help="pairs that a network gets at once on a GPU")
    args = parser.parse_args()

    registry = metrics.load(args.registry)
    registry = resolve(registry, args.protocol or registry["protocol"]["id"], str(args.registry))
    names = list(registry["metrics"])
    unknown = [name for name in args.metrics or [] if name not in names]
    if unknown:
        raise InputError(f"unknown metric {', '.join(unknown)}; known in {args.registry}: {', '.join(names)}")
    names = [name for name in names if name in (args.metrics or names)]
    if args.batch < 1 or (args.workers is not None and args.workers < 1):
        raise InputError("--workers and --batch must be 1 or more")
    method, test_set = args.method or args.sr.resolve().name, args.test_set or args.hr.resolve().name

    partial = args.out.with_name(args.out.name + ".partial")
    reason = unusable(args.record) if args.record else ""
    if not args.record:
        refuse_random(args.sr)
    with lock(args.out.with_name(f".{args.out.name}.lock")):
        rows: list[tuple[str, str, float]] = []
        notes = dict.fromkeys(names, reason)
        if not reason:
            rows, notes = evaluate(args.sr, args.hr, names, registry, partial, args.device, args.workers, args.batch)
        protocols = {name: metrics.protocol(registry, name) for name in names}
        measured = {name for _, name, _ in rows}
        with atomic(args.out) as aside, aside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for image, name, value in rows:
                writer.writerow([method, test_set, image, name, f"{value:.6f}", protocols[name], notes[name]])
            for name in names:
                if name not in measured:
                    writer.writerow([method, test_set, "", name, "", protocols[name], notes[name]])
        partial.unlink(missing_ok=True)
    if reason:
        print(f"{method} on {test_set} not measured: {reason}", file=sys.stderr)
        return
    for name in names:
        if notes[name]:
            outcome = "" if name in measured else "not measured: "
            print(f"{registry['metrics'][name]['title']} {outcome}{notes[name]}", file=sys.stderr)
    if len(measured) < len(names):
        print(f"(weights are looked for in {weights_folder()} and in $TORCH_HOME, {torch_home()})", file=sys.stderr)


if __name__ == "__main__":
    run(main)
