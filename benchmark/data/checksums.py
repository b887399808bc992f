"""What every image of a test set is: a CSV file of name, bytes and sha256, and the check against it."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.images import list_images, read_rgb

COLUMNS = ("part", "name", "bytes", "sha256", "pixels_sha256")


@dataclass(frozen=True)
class KnownImage:
    """One file: its size in bytes, its sha256, and that of its pixels, which another file of the same image shares."""

    name: str
    size: int
    sha256: str
    pixels_sha256: str


Known = dict[str, dict[str, KnownImage]]  # by part (LR, HR) and stem


def pixel_digest(pixels: np.ndarray) -> str:
    """sha256 of uint8 (H, W, 3) by content: ``WIDTHxHEIGHT`` and a blank, then R, G, B of each pixel, row by row."""
    head = f"{pixels.shape[1]}x{pixels.shape[0]} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def listed(folders: dict[str, Path]) -> str:
    """The CSV text of all images in the folders of LR and HR."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for part, folder in folders.items():
        for path in list_images(folder).values():
            writer.writerow([part, path.name, path.stat().st_size, sha256(path), pixel_digest(read_rgb(path))])
    return text.getvalue()


def read(path: Path) -> Known:
    """The images that ``path`` lists; InputError where it is no such list."""
    known: Known = {"LR": {}, "HR": {}}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                image = KnownImage(row["name"], int(row["bytes"]), row["sha256"], row["pixels_sha256"])
                known[row["part"]][Path(image.name).stem] = image
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: no list of images ({error}); get it anew from the repository") from error
    return known


def check(name: str, known: Known, part: str, path: Path, pixels: np.ndarray) -> None:
    """InputError where the image at ``path`` is not the one of its name in the known test set ``name``."""
    image = known[part].get(path.stem)
    if image is None:
        raise InputError(f"{path}: {name} has no {part} image of this name; get the test set anew")
    if sha256(path) != image.sha256 and pixel_digest(pixels) != image.pixels_sha256:
        raise InputError(
            f"{path}: its pixels are not those of {name}'s {part} image {image.name}, so it is another crop or "
            "version; get the test set anew, or give yours an entry of its own in config/testsets.yaml"
        )
