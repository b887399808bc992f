"""List training photographs once: size and sha256 of every file below a folder, as CSV.

    python -m osediff.data.photo_list --photos DIR --out FILE.csv
    python -m osediff.data.photo_list --photos DIR --out FILE.csv --pairs 4

Every photograph is decoded, so that a damaged one is known before a training holds a GPU. Those that cannot be used are
named in a text file beside FILE.csv, one a line with its reason, and the command fails. With ``--pairs``, DIR has
``HR/`` and ``LR/`` with the same names below them, and each HR image has this many times the size of its LR image.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from tqdm import tqdm

from osediff.common.errors import InputError, run
from osediff.common.files import fingerprint, read_object, read_text, sha256, write_text
from osediff.common.images import EXTENSIONS, name_some, read_photo

HR, LR = "HR", "LR"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Photograph:
    """A file of a list; ``name`` is its path below the folder, with slashes."""

    name: str
    width: int
    height: int
    bytes: int
    sha256: str

    @property
    def stem(self) -> str:
        """Return the name without its extension."""
        return self.name.rpartition(".")[0]


COLUMNS = tuple(field.name for field in fields(Photograph))


@dataclass(frozen=True)
class PhotoList:
    """The photographs below ``folder``, in the order of their names."""

    folder: Path
    photos: tuple[Photograph, ...]

    @property
    def digest(self) -> str:
        """Return the sha256 over names and contents."""
        return fingerprint({photo.name: photo.sha256 for photo in self.photos})

    def pairs(self, scale_factor: int) -> list[tuple[Photograph, Photograph]]:
        """Return (HR, LR) of every pair; InputError for a missing partner, or sizes of another factor."""
        parts: dict[str, dict[str, Photograph]] = {HR: {}, LR: {}}
        for photo in self.photos:
            part, _, stem = photo.stem.partition("/")
            if part not in parts or not stem:
                raise InputError(f"{self.folder}: {photo.name}: pairs lie below {HR}/ and {LR}/; move it away")
            if stem in parts[part]:
                raise InputError(f"{self.folder}: {parts[part][stem].name} and {photo.name} have one name; remove one")
            parts[part][stem] = photo
        for part, other in ((HR, LR), (LR, HR)):
            if alone := parts[part].keys() - parts[other].keys():
                raise InputError(f"{self.folder / other}: no image for {name_some(alone)}, which {part}/ has")
        matched = [(photo, parts[LR][stem]) for stem, photo in parts[HR].items()]
        for hr, lr in matched:
            if (hr.width, hr.height) != (lr.width * scale_factor, lr.height * scale_factor):
                sizes = f"{hr.width}x{hr.height}, and {lr.name} has {lr.width}x{lr.height}"
                raise InputError(f"{self.folder / hr.name}: has {sizes}; needed is a factor of {scale_factor}")
        return matched


class UnusableError(InputError):
    """Photographs that cannot be used; ``lines`` has one of them in each line, with the reason."""

    def __init__(self, folder: Path, lines: list[str], count: int) -> None:
        self.folder, self.lines, self.count = folder, lines, count
        super().__init__(f"{folder}: {len(lines)} of {count} photographs cannot be used: {'; '.join(lines[:3])}")


def names_below(folder: Path) -> Iterator[str]:
    """Yield the names of all images below ``folder``, also through links to folders, but no hidden ones."""
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(parent, name)
            if path.suffix.lower() in EXTENSIONS and not name.startswith("."):
                yield path.relative_to(folder).as_posix()


def examine(folder: Path, name: str) -> Photograph | str:
    """Decode and hash a photograph; return why it cannot be used in place of an InputError."""
    path = folder / name
    try:
        height, width, _ = read_photo(path).shape
    except InputError as error:
        return str(error)
    return Photograph(name, width, height, path.stat().st_size, sha256(path))


def check_photographs(folder: Path, digests: Mapping[str, str]) -> None:
    """Raise InputError if ``manifest.json`` in ``folder`` lists other photographs than are there; it may be absent.

    ``digests``: sha256 of the photographs by path below ``folder``.
    """
    if not (folder / MANIFEST).is_file():
        return
    listed = read_object(folder / MANIFEST).get("photos")
    if not isinstance(listed, dict):
        raise InputError(f"{folder / MANIFEST}: lists no photographs; make the set again")
    wanted = {name: entry.get("sha256") if isinstance(entry, dict) else None for name, entry in listed.items()}
    found = {Path(path).stem: digest for path, digest in digests.items() if Path(path).suffix.lower() in EXTENSIONS}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise InputError(f"{folder}: {name} is not as {MANIFEST} there lists it; make the set again")


def scan(folder: Path, threads: int = 1) -> PhotoList:
    """Examine every photograph below ``folder``.

    Raises:
        UnusableError: some are not 8-bit RGB or gray, or cannot be read.
        InputError: there is no folder, or no photograph in it, or other ones than its ``manifest.json`` names.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; put the photographs there")
    names = sorted(names_below(folder), key=lambda name: name.split("/"))
    if not names:
        raise InputError(f"{folder}: no photographs below it (looked for {', '.join(sorted(EXTENSIONS))})")
    with ThreadPoolExecutor(threads) as pool:
        examined = pool.map(lambda name: examine(folder, name), names)
        results = list(tqdm(examined, total=len(names), desc=f"reading {folder.name}", unit="photo", delay=5))
    if unusable := [result for result in results if isinstance(result, str)]:
        raise UnusableError(folder, unusable, len(names))
    photos = tuple(result for result in results if isinstance(result, Photograph))
    check_photographs(folder, {photo.name: photo.sha256 for photo in photos})
    return PhotoList(folder, photos)


def write_list(path: Path, photos: PhotoList) -> None:
    """Write ``photos`` as CSV, whole or not at all."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows(astuple(photo) for photo in photos.photos)
    write_text(path, text.getvalue())


def read_list(path: Path, folder: Path) -> PhotoList:
    """Read a list of the photographs below ``folder``.

    Raises:
        InputError: it is no such list, or a photograph is missing or has another number of bytes.
    """
    again = "list the photographs again (python -m osediff.data.photo_list)"
    try:
        rows = csv.DictReader(io.StringIO(read_text(path, "a list of photographs"), newline=""))
        listed = tuple(
            Photograph(row["name"], int(row["width"]), int(row["height"]), int(row["bytes"]), row["sha256"])
            for row in rows
        )
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path}: no list of photographs ({error}); {again}") from error
    if not listed:
        raise InputError(f"{path}: lists no photographs; {again}")
    for photo in listed:
        try:
            size = (folder / photo.name).stat().st_size
        except OSError:
            raise InputError(f"{folder / photo.name}: is in {path}, but not here; put it there, or {again}") from None
        if size != photo.bytes:
            raise InputError(f"{folder / photo.name}: has {size} bytes, and {photo.bytes} in {path}; {again}")
    return PhotoList(folder, listed)


def open_photos(folder: Path, listed: Path | None) -> PhotoList:
    """Return the photographs below ``folder``: from their list, or examined now."""
    return read_list(listed, folder) if listed else scan(folder, os.cpu_count() or 1)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder with the photographs, at any depth")
    parser.add_argument("--out", type=Path, required=True, help="CSV file")
    parser.add_argument("--pairs", type=int, metavar="FACTOR", help="the folder has LR/HR pairs of this scale factor")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="photographs that are read at once")
    args = parser.parse_args()
    unusable = args.out.with_suffix(".unusable.txt")
    unusable.unlink(missing_ok=True)
    try:
        photos = scan(args.photos, args.threads)
    except UnusableError as error:
        write_text(unusable, "\n".join(error.lines) + "\n")
        counted = f"{len(error.lines)} of {error.count} photographs cannot be used"
        raise InputError(f"{args.photos}: {counted}; {unusable} names them: correct or remove them") from None
    if args.pairs:
        photos.pairs(args.pairs)
    write_list(args.out, photos)


if __name__ == "__main__":
    run(main)
