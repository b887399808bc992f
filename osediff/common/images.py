"""Read, write and pair images: 8-bit RGB, in folders, matched by file stem."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from osediff.common.errors import InputError
from osediff.common.files import atomic

EXTENSIONS = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
KINDS = {"L": "gray", "LA": "gray and transparent", "RGBA": "transparent", "P": "palette", "I;16": "16-bit"}


def list_images(folder: Path) -> dict[str, Path]:
    """Return the images of ``folder`` (not below it) by stem, sorted; at least one, and no stem twice."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    images: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in EXTENSIONS or path.name.startswith("."):
            continue
        if path.stem in images:
            same_stem = f"{images[path.stem].name} and {path.name}"
            raise InputError(f"{folder}: {same_stem} share a stem, by which images are matched; remove one")
        images[path.stem] = path
    if not images:
        raise InputError(f"{folder}: no images here (looked for {', '.join(sorted(EXTENSIONS))})")
    return images


@contextmanager
def open_any(path: Path) -> Iterator[ImageFile.ImageFile]:
    """Open the image at ``path``, of any kind, for the block; InputError if it cannot be read in the block."""
    try:
        # A pipe or a device would be waited for, or read without an end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{path}: is no plain file; put an image there")
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise InputError(f"{path}: no such image") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = str(error).replace(repr(str(path)), "it").replace("\n", " ")
        raise InputError(f"{path}: cannot be read as an image ({reason}); copy it again") from error


@contextmanager
def open_image(path: Path, gray: bool = False, advice: str = "convert it first") -> Iterator[Image.Image]:
    """Open the image at ``path`` for the block; InputError if it is not 8-bit RGB, or cannot be read in the block.

    ``gray``: 8-bit gray is right too. ``advice``: what the error says to do about another kind of image.
    """
    with open_any(path) as image:
        right = ("RGB", "L") if gray else ("RGB",)
        kind = "" if image.mode in right else KINDS.get(image.mode, image.mode)
        # Pillow opens 16-bit color as RGB and drops the low byte; only the raw mode in the tile tells.
        if ";16" in str(image.tile):
            kind = "16-bit"
        elif "transparency" in image.info and not kind:
            kind = "transparent"
        yield image
    if kind:
        raise InputError(f"{path}: is {kind}, needed is 8-bit RGB{' or gray' if gray else ''}; {advice}")


def read_rgb(path: Path, advice: str = "convert it first") -> np.ndarray:
    """Read the image at ``path`` as uint8 (H, W, 3); anything but 8-bit RGB is refused, never converted in silence."""
    with open_image(path, advice=advice) as image:
        return np.asarray(image)


def check_upright(path: Path, advice: str) -> None:
    """InputError if the image at ``path`` is not 8-bit RGB, or stored turned, as photographs may be.

    The header says so, except that a PNG without EXIF data in front is decoded, since they may stand at its end.
    """
    with open_any(path) as image:
        if image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9):
            raise InputError(f"{path}: is stored turned or mirrored, as its EXIF data say; {advice}")
    with open_image(path, advice=advice):
        pass


def read_upright(path: Path, advice: str) -> np.ndarray:
    """Read the image at ``path`` as ``read_rgb`` does; InputError if it is stored turned."""
    check_upright(path, advice)
    return read_rgb(path, advice)


def check_convertible(path: Path) -> None:
    """InputError if the image at ``path`` is, by its header, none that ``read_converted`` reads."""
    with open_any(path) as image:
        if image.mode in ("I", "F"):
            raise InputError(f"{path}: has 32 bits, whose range is not known; convert it first")


def check_images(images: Mapping[str, Path], check: Callable[[Path], None]) -> None:
    """InputError if ``check`` raises one for any of ``images``: that of the first one, with the names of the others."""
    faults: dict[str, str] = {}
    for stem, path in images.items():
        try:
            check(path)
        except InputError as error:
            faults[stem] = str(error)
    if faults:
        first, *others = faults
        more = f" (and others: {name_some(set(others))})" if others else ""
        raise InputError(faults[first] + more)


def read_converted(path: Path) -> np.ndarray:
    """Read the image at ``path`` as uint8 (H, W, 3), upright, converted from any kind of at most 16 bits.

    Gray becomes three equal channels, a palette its colors, 16 bits their upper 8. Transparency is dropped: the colors
    below it stay. InputError for 32 bits, whose range is not known.
    """
    check_convertible(path)
    with open_any(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        return np.asarray(upright.convert("RGB"))


def rgb_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of the 8-bit RGB image at ``path``, by its header alone; ``read_rgb`` checks more."""
    with open_image(path) as image:
        return image.size


def read_photo(path: Path) -> np.ndarray:
    """Read the photograph at ``path`` as uint8 (H, W, 3); a gray one becomes three equal channels."""
    with open_image(path, gray=True) as image:
        return np.asarray(image.convert("RGB"))


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 (H, W, 3) to ``path`` as PNG, whole or not at all."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise TypeError(f"{path}: {pixels.dtype} {pixels.shape} is not uint8 (H, W, 3)")
    with atomic(path) as aside:
        Image.fromarray(np.ascontiguousarray(pixels)).save(aside, format="PNG")


def find_sr_fault(sr: object, lr: np.ndarray, scale_factor: int) -> str:
    """Return why ``sr`` is not uint8 RGB of exactly ``scale_factor`` times the size of ``lr``; empty if it is."""
    shape = (lr.shape[0] * scale_factor, lr.shape[1] * scale_factor, 3)
    if isinstance(sr, np.ndarray) and sr.shape == shape and sr.dtype == np.uint8:
        return ""
    result = f"{sr.dtype} {sr.shape}" if isinstance(sr, np.ndarray) else type(sr).__name__
    return f"restored as {result}, needed is uint8 {shape}"


def name_some(stems: set[str]) -> str:
    """Name at most five of ``stems``, and the number of others."""
    shown = sorted(stems)[:5]
    return ", ".join(shown) + (f" and {len(stems) - 5} more" if len(stems) > 5 else "")


def pairs(images: Path, references: Path) -> list[tuple[str, Path, Path]]:
    """Return (stem, image, reference) for two folders with equal stems, sorted; InputError names unpaired images."""
    if images.resolve() == references.resolve():
        raise InputError(f"{images}: the same folder twice; images and references must differ")
    ours, theirs = list_images(images), list_images(references)
    missing, extra = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
    complaints = [f"{images} lacks {name_some(missing)}"] if missing else []
    complaints += [f"{references} lacks {name_some(extra)}"] if extra else []
    if complaints:
        raise InputError(f"images without a partner of the same name: {'; '.join(complaints)}")
    return [(stem, ours[stem], theirs[stem]) for stem in ours]
