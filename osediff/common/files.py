"""Write files so that they are complete or absent, whenever a run is killed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from osediff.common.errors import InputError
from osediff.common.mounts import find_local_locks

FOLDER_LOCK = ".lock"  # of a folder in which only its holder writes
UNFINISHED = re.compile(r"\..*\.tmp-\d+(\.[^.]*)?\Z")
JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"


def check_plain(path: Path) -> None:
    """Raise InputError if ``path`` is absent or no plain file: a pipe would be waited for, a device has no end."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder, where a file must be")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: is no plain file; put a file there")


@contextmanager
def atomic(path: Path, durable: bool = False) -> Iterator[Path]:
    """Yield a file beside ``path`` to write to; it becomes ``path`` if the block succeeds, else it is removed.

    ``durable``: it outlives a power cut. That takes milliseconds, so it is for what is expensive to make again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise InputError(f"{path}: is a folder, needed is a file; move it away")
    # The suffix stays last, for writers that choose a format by it; the process id keeps two runs apart.
    aside = path.with_name(f".{path.stem}.tmp-{os.getpid()}{path.suffix}")
    try:
        yield aside
        if durable:
            sync(aside)
        aside.replace(path)
        if durable:
            sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until the file or folder ``path`` is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what killed runs left half-written in ``folder`` and below; call it where no other run writes."""
    for path in folder.rglob(".*.tmp-*"):
        if UNFINISHED.match(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the hexadecimal sha256 of the file at ``path``."""
    check_plain(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(content: Any) -> str:
    """Return the sha256 of ``content``, any value that JSON can represent."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def git_blob(path: Path) -> str:
    """Hexadecimal id by which git knows the content of the file at ``path``: sha1 of ``blob SIZE``, a zero, content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_text(path: Path, text: str, durable: bool = False) -> None:
    """Write ``text`` to ``path`` as UTF-8, whole or not at all (see ``atomic``)."""
    with atomic(path, durable) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, content: JSON, durable: bool = False) -> None:
    """Write ``content`` to ``path`` as indented JSON, whole or not at all (see ``atomic``)."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n", durable)


def read_text(path: Path, what: str = "a text file") -> str:
    """Read the UTF-8 text at ``path``, which should be ``what``; InputError, with the line, if it is something else."""
    check_plain(path)
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path} line {line}: is not UTF-8 text; it should be {what}") from None


def read_json(path: Path) -> Any:
    """Read the JSON file at ``path``."""
    text = read_text(path, "JSON")
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply") from None
    except ValueError as error:  # or a number with too many digits
        raise InputError(f"{path}: not valid JSON ({error})") from error


def read_json_lines(path: Path) -> list[Any]:
    """Read a file of JSON lines that only grows; lines that are damaged, as a kill leaves them, are left out.

    An absent file has no lines.
    """
    if not path.exists():
        return []
    check_plain(path)
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            rows.append(json.loads(line))
    return rows


def read_object(path: Path) -> dict[str, Any]:
    """Read the JSON file at ``path``, which must hold keys and values."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold keys and values; remove it, so that it is made again")
    return content


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` for the block; the kernel frees it even when the process is killed.

    What killed runs left half-written beside it is removed. InputError if another run holds the lock, or if only this
    machine would see it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if reason := find_local_locks(path.parent):
        raise InputError(
            f"{path.parent}: is shared by machines that do not see each other's locks ({reason}); "
            "use a local folder, or mount it with locks"
        )
    # It is a file of this suite: one that a link leads to would be emptied.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{path.parent}: another run is writing here; wait for it or stop it") from None
        if path.name == FOLDER_LOCK:
            sweep(path.parent)
        yield


def files_below(folder: str) -> list[str]:
    """Return every file below ``folder`` but hidden ones, sorted; no file if there is no such folder (yet)."""
    paths = (path for path in Path(folder).rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(map(str, paths))
