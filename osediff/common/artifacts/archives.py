"""Take single files out of zip and tar archives of other people, without trusting their names, links or sizes."""

from __future__ import annotations

import lzma
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.common.files import atomic, check_plain

LARGEST_FILE = 1 << 26  # bytes of one unpacked image; an archive that claims more is no test set
LARGEST_RATIO = 200  # of unpacked to packed bytes; images and weights hardly shrink at all
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


@contextmanager
def reading(archive: Path, advice: str = "remove it to fetch it anew") -> Iterator[None]:
    """Convert errors of a damaged ``archive`` inside the block into one line, which ends with ``advice``."""
    check_plain(archive)
    try:
        yield
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk, not of gzip or bzip2
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{archive}: is damaged or no archive ({reason}); {advice}") from error


def copy_exactly(source: IO[bytes], target: Path, size: int) -> None:
    """Write ``source`` to ``target``, whole or not at all; InputError if it does not hold exactly ``size`` bytes."""
    with atomic(target) as aside:
        with aside.open("wb") as file:
            left = size
            while block := source.read(min(1 << 20, left + 1)):
                left -= len(block)
                if left < 0:
                    break
                file.write(block)
        if left:
            raise InputError(f"{target.name}: the archive says {size} bytes and holds another number; fetch it anew")


def extract_member(archive: Path, member: str, target: Path, largest: int) -> None:
    """Write the file ``member`` of a wheel (zip) or source archive (tar) of the package index to ``target``.

    InputError if the archive is damaged, has no such plain file, or the file has more than ``largest`` bytes.
    """
    with reading(archive):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                if member not in wheel.namelist():
                    raise InputError(f"{archive}: holds no {member}")
                entry = checked_entry(archive, wheel.getinfo(member), largest)
                with wheel.open(entry) as source:
                    copy_exactly(source, target, entry.file_size)
            return
        with tarfile.open(archive) as sources:
            for item in sources:  # one pass, and only plain files: a link's name says nothing of what it leads to
                if item.name == member and item.isreg():
                    if item.size > largest:
                        raise InputError(
                            f"{archive}: {member} claims {item.size} bytes; at most {largest} are expected"
                        )
                    content = sources.extractfile(item)
                    assert content is not None, "a regular file has content"
                    copy_exactly(content, target, item.size)
                    return
    raise InputError(f"{archive}: holds no {member}")


def checked_entry(archive: Path, entry: zipfile.ZipInfo, largest: int = LARGEST_FILE) -> zipfile.ZipInfo:
    """Return ``entry`` of a zip file; InputError if it is encrypted, a link, or implausibly large."""
    if entry.flag_bits & 0x1:
        raise InputError(f"{archive}: {entry.filename} is encrypted; get the archive from another place")
    if entry.external_attr >> 16 & 0o170000 == 0o120000:
        raise InputError(f"{archive}: {entry.filename} is a link, not a file; get the archive from another place")
    if entry.file_size > largest or entry.file_size > LARGEST_RATIO * max(entry.compress_size, 1):
        raise InputError(f"{archive}: {entry.filename} claims {entry.file_size} bytes; this is not the right archive")
    return entry


def unpack_folder(archive: Path, inside: str, folder: Path, suffixes: tuple[str, ...]) -> None:
    """Put the files with ``suffixes`` that lie directly in ``inside`` of a zip file into ``folder``.

    ``folder`` appears when all files are complete; a killed call continues. Only the last part of a name is used, so no
    file can be written elsewhere, and every file has the checksum of the archive.
    """
    if folder.exists():
        return
    aside = folder.with_name(f".{folder.name}.unpacking")
    with reading(archive), zipfile.ZipFile(archive) as file:
        entries = [
            checked_entry(archive, entry)
            for entry in file.infolist()
            if not entry.is_dir()
            and PurePosixPath(entry.filename).parent == PurePosixPath(inside)
            and PurePosixPath(entry.filename).suffix.lower() in suffixes
        ]
        names = [PurePosixPath(entry.filename).name for entry in entries]
        if not entries:
            raise InputError(f"{archive}: has no images in {inside}; is it another file? Remove it to fetch it anew")
        if len(set(names)) < len(names):
            raise InputError(f"{archive}: has two files of one name in {inside}; get the archive from another place")
        aside.mkdir(parents=True, exist_ok=True)
        needed, room = sum(entry.file_size for entry in entries), shutil.disk_usage(aside).free
        if needed > room:
            raise InputError(f"{folder}: needs {needed} bytes and the disk has {room}; make room and repeat")
        for entry, name in zip(tqdm(entries, desc=f"unpacking {inside}", unit="image"), names, strict=True):
            if (aside / name).exists():
                continue
            with file.open(entry) as source:
                copy_exactly(source, aside / name, entry.file_size)
    aside.rename(folder)
