"""Place the images of a report beside its page: LR, HR and SR images, thumbnails, samples of trainings, figures.

    images/TEST_SET/{LR,HR,METHOD}/FILE.png   thumbnails/TEST_SET/FILE.webp   samples/TRAINING/STEP.png
    figures/FILE.png

Images are hard links where the file system allows it, and copies otherwise. A file that is up to date is not made
again, and files that no longer belong to the report are removed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.report.specs import Training
from osediff.common.errors import InputError
from osediff.common.files import atomic
from osediff.common.images import list_images

FOLDERS = ("images", "thumbnails", "samples", "figures")
NAMED = 3  # missing images of a folder that are named
THUMBNAIL = 96  # pixels of its longer side
SAFE = re.compile(r"[\w-][\w.-]*", re.ASCII)


def file_names(images: list[str]) -> list[str]:
    """Return a file name for each image: its own if it is safe in an address and on any system, else a number."""
    return [name if SAFE.fullmatch(name) else f"_{index}" for index, name in enumerate(images)]


def most_different(frame: pd.DataFrame, test_set: str, metrics: Metrics, images: list[str], count: int) -> set[str]:
    """Choose the ``count`` images on which the methods differ most.

    Added over the metrics: the range of the values over the methods, as a share of the metric's average range.
    """
    total = pd.Series(0.0, index=images)
    rows = frame[(frame["test_set"] == test_set) & (frame["image"] != "") & frame["value"].notna()]
    for name, of_metric in rows.groupby("metric"):
        if metrics[str(name)].level == "image":
            spread = of_metric.groupby("image")["value"].agg(np.ptp)
            total = total.add(spread / (spread.mean() or 1.0), fill_value=0.0)
    return set(total.sort_values(ascending=False, kind="stable").index[:count])


@dataclass
class Placement:
    """The folder of a report: which of its files were placed, and what was missing."""

    root: Path
    placed: set[Path] = field(default_factory=set)
    missing: list[tuple[str, str]] = field(default_factory=list)

    def target(self, source: Path, name: str) -> Path | None:
        """Return the file to make of ``source`` at ``name`` below the folder; None if it is up to date."""
        target = self.root / name
        self.placed.add(target)
        if target.exists() and source.stat().st_mtime_ns == target.stat().st_mtime_ns:
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def image(self, source: Path, name: str) -> None:
        """Place ``source`` at ``name``, which ends in .png: as it is, or converted."""
        target = self.target(source, name)
        if target is None:
            return
        if source.suffix.lower() != ".png":
            convert(source, target, None)
            return
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            shutil.copy2(source, target)

    def thumbnail(self, source: Path, name: str) -> None:
        """Make a small WebP of ``source`` at ``name``."""
        target = self.target(source, name)
        if target is not None:
            convert(source, target, THUMBNAIL)

    def folder(self, source: Path, name: str, wanted: dict[str, str], owner: str) -> dict[str, Path]:
        """Place the images ``wanted`` (name to file name) of a folder at ``name``; return those that are there."""
        try:
            listed = list_images(source)
        except InputError as error:
            self.missing.append((owner, str(error)))
            return {}
        here = {image: listed[image] for image in wanted if image in listed}
        absent = [image for image in wanted if image not in here]
        if absent:
            more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
            self.missing.append((owner, f"{source} has no image {', '.join(absent[:NAMED])}{more}"))
        for image, path in here.items():
            self.image(path, f"{name}/{wanted[image]}.png")
        return here

    def remove_others(self, folders: Iterable[str]) -> None:
        """Remove files of these folders that were not placed."""
        for folder in folders:
            for path in sorted((self.root / folder).rglob("*"), reverse=True):
                if path.is_file() and path not in self.placed:
                    path.unlink()
                elif path.is_dir() and not any(path.iterdir()):
                    path.rmdir()


def convert(source: Path, target: Path, longest: int | None) -> None:
    """Write ``source`` in the format of ``target``, with its time, no side longer than ``longest`` pixels."""
    with Image.open(source) as image:
        converted = image.convert("RGB")
    if longest:
        converted.thumbnail((longest, longest))
    with atomic(target) as aside:
        converted.save(aside, quality=70)
    stat = source.stat()
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def chosen_images(
    frame: pd.DataFrame, test_set: str, metrics: Metrics, count: int | None
) -> tuple[list[str], list[str]]:
    """Return all images of a test set, sorted, and those whose files a report gets."""
    every = results.images(frame[frame["test_set"] == test_set])
    if count is None or count >= len(every):
        return every, every
    kept = most_different(frame, test_set, metrics, every, count)
    return every, [image for image in every if image in kept]


def place_samples(placement: Placement, trainings: tuple[Training, ...]) -> dict[str, dict[int, str]]:
    """Place the samples of trainings, and return their addresses by title and step."""
    addresses: dict[str, dict[int, str]] = {}
    for number, training in enumerate(trainings):
        for path in sorted(Path(training.folder, "samples").glob("*.png")):
            if path.stem.isdecimal():
                address = f"samples/{number}/{path.name}"
                placement.image(path, address)
                addresses.setdefault(training.title, {})[int(path.stem)] = address
    return addresses
