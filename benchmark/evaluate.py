"""Measure one method on one test set: SR images against HR images, one row per image and metric.

    python -m benchmark.evaluate --sr DIR --hr DIR --out FILE.csv [--metrics psnr ssim ...]

Columns: method, test_set, image, metric, value (6 decimals), protocol, note. ``image`` is empty for metrics of the
whole set (FID) and for metrics that cannot be measured here; those have no value and a note that says why. Images are
paired by stem. What is finished is kept in FILE.csv.partial, so that the same command continues after a stop.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import functools
import hashlib
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import TextIO

import numpy as np
from tqdm import tqdm

from benchmark import metrics
from benchmark.distribution import remark
from benchmark.protocols import resolve
from benchmark.weights import torch_home
from contracts.errors import InputError, run
from contracts.files import atomic, lock, sha256
from contracts.images import pairs, read_rgb

COLUMNS = ("method", "test_set", "image", "metric", "value", "protocol", "note")
CONTROL_TOLERANCE = 1e-3  # of a learned metric, whose last digits differ between machines


class Finished:
    """The values measured so far, by what they depend on: a file of JSON lines that only grows."""

    def __init__(self, path: Path, *basis: str | int) -> None:
        self.basis = basis
        self.values: dict[str, float] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # the line that a kill cut off
                self.values.update(json.loads(line))
        self.file: TextIO = path.open("a", encoding="utf-8")
        self.file.write("\n" if text and not text.endswith("\n") else "")

    def key(self, name: str, definition: metrics.Registry, digests: list[str]) -> str:
        """Key of one value: digest of the common basis, the metric's definition and the images' sha256."""
        basis = [*self.basis, name, definition, digests]
        return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()

    def add(self, key: str, value: float) -> None:
        """Keep one value, in the file before the next one is measured."""
        self.values[key] = value
        self.file.write(json.dumps({key: value}) + "\n")
        self.file.flush()


def score(name: str, registry: metrics.Registry, function: metrics.Score, sr: object, hr: object, of: Path) -> float:
    """One value; InputError naming the metric and ``of`` (image or folder) when there is none."""
    title = registry["metrics"][name]["title"]
    try:
        value = function(sr, hr)
    except (RuntimeError, ValueError) as error:  # a singular matrix, or no memory
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{title} of {of} fails ({reason}); leave {name} out of --metrics to go on") from error
    if not math.isfinite(value):
        raise InputError(f"{title} of {of} is {value}; look at the image, or leave {name} out of --metrics")
    return value


def control(name: str, registry: metrics.Registry, function: metrics.Score, hr: np.ndarray, of: Path) -> None:
    """InputError when the true image ``hr`` against itself has another value than the registry says it has."""
    metric = registry["metrics"][name]
    if "identical" in metric:
        value = score(name, registry, function, hr, hr, of)
        if abs(value - metric["identical"]) > CONTROL_TOLERANCE:
            raise InputError(
                f"{metric['title']} of {of} against itself is {value:.6f}, not {metric['identical']}: "
                "the metric, its weights or its library do not work here"
            )


def staged(folder: Path, images: list[Path]) -> Path:
    """``folder`` with links to ``images`` and nothing else, for pyiqa reads every image that it finds below one."""
    folder.mkdir()
    for image in images:
        (folder / image.name).symlink_to(image.resolve())
    return folder


def evaluate(
    sr: Path, hr: Path, names: list[str], registry: metrics.Registry, partial: Path, device: str, threads: int
) -> tuple[list[tuple[str, str, float]], dict[str, str]]:
    """Rows (image, metric, value) of the folders ``sr`` and ``hr``, and what there is to note about each metric.

    A metric without a row could not be measured here, and its note says why. Values are kept in ``partial`` as they
    come, and taken from there where it has them. InputError: images that do not pair or do not fit."""
    matched = pairs(sr, hr)
    notes = {name: metrics.absence(name, registry) or "" for name in names}
    present = [name for name in names if not notes[name]]
    notes |= {name: metrics.remark(name, registry) for name in present}
    of_images = [name for name in present if registry["metrics"][name]["level"] == "image"]
    of_sets = [name for name in present if registry["metrics"][name]["level"] == "set"]
    notes |= {name: "; ".join(filter(None, [remark(len(matched)), notes[name]])) for name in of_sets}
    if len(matched) < 2:
        notes |= dict.fromkeys(of_sets, "needs two images or more")
        of_sets = []

    @functools.cache
    def function(name: str) -> metrics.Score:
        # Built when first needed, so that a continued run whose values are all there loads no network.
        return metrics.build(name, registry, device, threads)

    rows: list[tuple[str, str, float]] = []
    digests: list[str] = []
    controlled: set[str] = set()
    finished = Finished(partial, metrics.protocol(registry), device, threads)
    total = len(matched) * len(of_images) + len(of_sets)
    with contextlib.closing(finished.file), tqdm(total=total, desc=str(sr), unit="value", file=sys.stderr) as bar:
        for stem, sr_path, hr_path in matched:
            sr_image, hr_image = read_rgb(sr_path), read_rgb(hr_path)
            sr_image.flags.writeable = hr_image.flags.writeable = False  # so that their luma is computed once
            if sr_image.shape != hr_image.shape:
                sizes = ["{1}x{0}".format(*image.shape) for image in (sr_image, hr_image)]
                raise InputError(f"{sr_path} is {sizes[0]} but {hr_path} is {sizes[1]}; they must have one size")
            digest = [sha256(sr_path), sha256(hr_path)]
            digests += digest
            for name in of_images:
                definition = registry["metrics"][name]
                if min(sr_image.shape[:2]) < definition["min_size"]:
                    smallest = definition["min_size"]
                    raise InputError(f"{sr_path} is too small for {name}: it needs {smallest} pixels on each side")
                kept = finished.key(name, definition, digest)
                if kept not in finished.values:
                    if name not in controlled:
                        control(name, registry, function(name), hr_image, hr_path)
                        controlled.add(name)
                    finished.add(kept, score(name, registry, function(name), sr_image, hr_image, sr_path))
                rows.append((stem, name, finished.values[kept]))
                bar.update()
        with tempfile.TemporaryDirectory() as temporary:
            sr_set = staged(Path(temporary) / "sr", [path for _, path, _ in matched])
            hr_set = staged(Path(temporary) / "hr", [path for _, _, path in matched])
            for name in of_sets:
                kept = finished.key(name, registry["metrics"][name], digests)
                if kept not in finished.values:
                    finished.add(kept, score(name, registry, function(name), sr_set, hr_set, sr))
                rows.append(("", name, finished.values[kept]))
                bar.update()
    return rows, notes


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmark.evaluate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sr", type=Path, required=True, help="folder of the method's images")
    parser.add_argument("--hr", type=Path, required=True, help="folder of the true images, same names")
    parser.add_argument("--out", type=Path, required=True, help="CSV file to write")
    parser.add_argument("--method", help="name in the method column (default: the SR folder's)")
    parser.add_argument("--test-set", help="name in the test_set column (default: the HR folder's)")
    parser.add_argument("--metrics", nargs="+", metavar="METRIC", help="default: all of the registry")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--protocol", help="one of the registry's protocols (default: its own, the paper's)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for the learned metrics")
    parser.add_argument("--threads", type=int, default=1, help="for the learned metrics; can move a last digit")
    args = parser.parse_args()

    registry = metrics.load(args.registry)
    registry = resolve(registry, args.protocol or registry["protocol"]["id"], str(args.registry))
    names = list(registry["metrics"])
    unknown = [name for name in args.metrics or [] if name not in names]
    if unknown:
        raise InputError(f"unknown metric {', '.join(unknown)}; known in {args.registry}: {', '.join(names)}")
    names = [name for name in names if name in (args.metrics or names)]
    method, test_set = args.method or args.sr.resolve().name, args.test_set or args.hr.resolve().name

    partial = args.out.with_name(args.out.name + ".partial")
    with lock(args.out.with_name(f".{args.out.name}.lock")):
        rows, notes = evaluate(args.sr, args.hr, names, registry, partial, args.device, args.threads)
        protocol = metrics.protocol(registry)
        measured = {name for _, name, _ in rows}
        with atomic(args.out) as aside, aside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for image, name, value in rows:
                writer.writerow([method, test_set, image, name, f"{value:.6f}", protocol, notes[name]])
            for name in names:
                if name not in measured:
                    writer.writerow([method, test_set, "", name, "", protocol, notes[name]])
        partial.unlink()
    for name in names:
        if notes[name]:
            outcome = "" if name in measured else "not measured: "
            print(f"{registry['metrics'][name]['title']} {outcome}{notes[name]}", file=sys.stderr)
    if len(measured) < len(names):
        print(f"($TORCH_HOME is {torch_home()})", file=sys.stderr)


if __name__ == "__main__":
    run(main)
