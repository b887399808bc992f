"""The record of an artifact's files here, and the check of files against the registry and the record."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from osediff.common.artifacts.model import Artifact, File, WholeDigest
from osediff.common.errors import InputError
from osediff.common.files import JSON, git_blob, read_json, sha256, write_json
from osediff.common.settings import Settings

RECORD = "artifacts.json"
ORIGIN = ("source", "mirror", "revision")  # keys of Entry


class Entry(Settings):
    """A file, as it was when it first came here.

    ``source`` is its address at ``mirror`` (name or address) in ``revision``; all are empty if a person put it here.
    ``trusted_on_first_use``: nobody published its whole sha256, so that the one here is demanded from now on.
    """

    size: int
    sha256: WholeDigest
    source: str = ""
    mirror: str = ""
    revision: str = ""
    trusted_on_first_use: bool = False


def read_record(folder: Path) -> dict[str, Entry]:
    """Return the entries of ``artifacts.json`` in ``folder``; empty if there is none yet."""
    path = folder / RECORD
    if not path.exists():
        return {}
    try:
        return {name: Entry.model_validate(entry) for name, entry in dict(read_json(path)).items()}
    except (ValidationError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is damaged; remove it, and check where the files beside it are from") from error


def write_record(folder: Path, record: dict[str, Entry]) -> None:
    """Write ``artifacts.json`` of ``folder``."""
    write_json(folder / RECORD, {name: entry.model_dump() for name, entry in sorted(record.items())}, durable=True)


def is_present(artifact: Artifact, root: Path) -> bool:
    """Return whether every file of ``artifact`` is here, right or wrong."""
    folder = root / artifact.folder
    unpacked = bool(artifact.unpack) and all((folder / part).is_dir() for part in artifact.unpack)
    return unpacked or all((folder / name).is_file() for name in artifact.contents)


def expected_files(artifact: Artifact, folder: Path) -> dict[str, File]:
    """Return what each file must be: the registry's size and sha256, or where it lacks one, those of the first.

    A sha256 of the registry with fewer than 64 digits is made whole by that of the first file in ``folder``.
    """
    record = read_record(folder)
    return {name: as_at_first(file, record.get(name)) for name, file in artifact.contents.items()}


def as_at_first(file: File, seen: Entry | None) -> File:
    """Return ``file`` with the size and sha256 of the file that came here first, where that could be the published."""
    if file.published or seen is None or not seen.sha256.startswith(file.sha256 or ""):
        return file
    return file.model_copy(update={"size": file.size or seen.size, "sha256": seen.sha256})


def check_file(path: Path, expected: File) -> Entry:
    """Return size and sha256 of ``path``; InputError if they are not the expected ones."""
    if not path.is_file():
        raise InputError(f"{path}: is not a file; move it away")
    size = path.stat().st_size
    if expected.size not in (None, size):
        raise InputError(
            f"{path}: has {size} bytes, not {expected.size}; it is another file, remove it to fetch it anew"
        )
    if expected.git_blob not in (None, git_blob(path)):
        raise InputError(
            f"{path}: is not the file that its git repository calls {str(expected.git_blob)[:12]}…; it is another "
            "file, remove it to fetch it anew"
        )
    digest = sha256(path)
    if not digest.startswith(expected.sha256 or ""):
        raise InputError(
            f"{path}: has sha256 {digest[:12]}…, not {str(expected.sha256)[:12]}…; it is another file than it should "
            "be, or than the one that came here first; remove it to fetch it anew"
        )
    return Entry(size=size, sha256=digest)


def manifest(artifact: Artifact, entries: dict[str, Entry]) -> dict[str, JSON]:
    """Return the manifest of a folder of weights: title, license, source, size and sha256 of each file.

    ``provided_locally``: a person put some of the files there, so that their mirror is not known. A file is marked as
    ``trusted_on_first_use`` if nobody published its whole sha256.
    """
    mirrors = dict.fromkeys((entry.mirror, entry.revision) for entry in entries.values() if entry.mirror)
    return {
        "title": artifact.title,
        "license": artifact.license,
        "mirror": " and ".join(name for name, _ in mirrors) or None,
        "revision": " and ".join(revision for _, revision in mirrors) or None,
        "provided_locally": not all(entry.mirror for entry in entries.values()),
        "files": {
            name: {
                "size": entry.size,
                "sha256": entry.sha256,
                **({"trusted_on_first_use": True} if entry.trusted_on_first_use else {}),
            }
            for name, entry in entries.items()
        },
    }
