"""Checksums of every image of a test set: the CSV file that lists them, and the check of an image against it."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from osediff.common.errors import InputError
from osediff.common.files import read_text, sha256
from osediff.common.images import list_images, read_rgb

COLUMNS = ("part", "name", "bytes", "sha256", "pixels_sha256")


@dataclass(frozen=True)
class ImageChecksums:
    """An image file: its size in bytes, the sha256 of the file, and that of the pixels.

    Another file of the same image has the same sha256 of the pixels.
    """

    name: str
    size: int
    sha256: str
    pixels_sha256: str


Checksums = dict[str, dict[str, ImageChecksums]]  # by part (LR, HR) and stem


def pixel_digest(pixels: np.ndarray) -> str:
    """Return the sha256 of uint8 (H, W, 3): of ``WIDTHxHEIGHT`` and a blank, then R, G, B of each pixel, row by row."""
    head = f"{pixels.shape[1]}x{pixels.shape[0]} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def checksums_csv(folders: dict[str, Path]) -> str:
    """Return the CSV text that lists all images in the folders of LR and HR."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for part, folder in folders.items():
        for path in list_images(folder).values():
            writer.writerow([part, path.name, path.stat().st_size, sha256(path), pixel_digest(read_rgb(path))])
    return text.getvalue()


def read(path: Path) -> Checksums:
    """Return the checksums that ``path`` lists; InputError if it is not such a file."""
    checksums: Checksums = {"LR": {}, "HR": {}}
    try:
        for row in csv.DictReader(io.StringIO(read_text(path), newline="")):
            image = ImageChecksums(row["name"], int(row["bytes"]), row["sha256"], row["pixels_sha256"])
            checksums[row["part"]][Path(image.name).stem] = image
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path}: no list of images ({error}); get it anew from the repository") from error
    return checksums


def check(name: str, checksums: Checksums, part: str, path: Path, pixels: np.ndarray) -> None:
    """Raise InputError if the image at ``path`` differs from the image of this name in the test set ``name``."""
    image = checksums[part].get(path.stem)
    if image is None:
        raise InputError(f"{path}: {name} has no {part} image of this name; get the test set anew")
    if sha256(path) != image.sha256 and pixel_digest(pixels) != image.pixels_sha256:
        raise InputError(
            f"{path}: its pixels are not those of {name}'s {part} image {image.name}, so it is another crop or "
            "version; get the test set anew, or give yours an entry of its own in config/testsets.yaml"
        )
