"""Files from the network: mirrors in order, continued where they stopped, and kept only if the sha256 is right."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.common.files import atomic, sha256

BLOCK = 1 << 16
TIMEOUT = 30  # seconds without a byte
# What a mirror can do wrong. Not every OSError: a full disk is no reason to try the next mirror.
MIRROR_FAILURES = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def stored(path: Path) -> int:
    """Bytes of ``path``, 0 where it is absent."""
    return path.stat().st_size if path.exists() else 0


def announced(urls: Sequence[str]) -> int:
    """Size in bytes that the first mirror which answers announces, for a file whose size nobody published."""
    reasons = []
    for url in urls:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=TIMEOUT) as response:
                if length := response.headers.get("Content-Length"):
                    return int(length)
                reasons.append(f"{url}: says no size")
        except MIRROR_FAILURES as error:
            reasons.append(f"{url}: {error}")
    raise InputError(f"no mirror answered ({'; '.join(reasons)})")


def append(url: str, part: Path, size: int) -> None:
    """Adds to ``part`` what it lacks of the ``size`` bytes at ``url``, until the end or until the server stops."""
    have = stored(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        if response.status != http.client.PARTIAL_CONTENT:
            have = 0  # the server sends all of it, whatever was asked
        bar = tqdm(desc=part.name.removesuffix(".part"), total=size, initial=have, unit="B", unit_scale=True)
        with part.open("ab" if have else "wb") as file, bar:
            # One byte more than needed is enough to tell a longer file.
            while (missing := size + 1 - have) > 0 and (block := response.read(min(BLOCK, missing))):
                file.write(block)
                have += len(block)
                bar.update(len(block))


def from_mirror(url: str, part: Path, size: int) -> str:
    """Completes ``part`` from ``url``, asking again while bytes keep coming; why it is not complete, or nothing."""
    while True:
        before, failure = stored(part), "the connection ends early"
        try:
            append(url, part, size)
        except MIRROR_FAILURES as error:
            failure = str(error)
        if stored(part) == size:
            return ""
        if stored(part) > size:
            part.unlink()
            return f"more than {size} bytes"
        if stored(part) <= before:
            return failure


def download(urls: Sequence[str], path: Path, digest: str, size: int) -> None:
    """Downloads ``path``, ``size`` bytes whose sha256 begins with ``digest``, from the first of ``urls`` with it.

    What arrived stays in ``path``.part for the next call or mirror. InputError when no mirror gives the right bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    if stored(part) >= size:
        part.unlink(missing_ok=True)
    reasons = []
    for url in urls:
        # Bytes kept from before may be the wrong ones; then, and only then, the mirror gets a second chance.
        for kept in (part.exists(), False):
            failure = from_mirror(url, part, size)
            if not failure and sha256(part).startswith(digest):
                part.replace(path)
                return
            if not failure:
                part.unlink()
                failure = f"its sha256 is not {digest[:12]}…"
            if not kept or part.exists():
                break
        reasons.append(f"{url}: {failure}")
    tried = "; ".join(reasons)
    raise InputError(f"{path.name}: no mirror gave it; get it by hand and use --local FOLDER ({tried})")


def take(source: Path, path: Path, digest: str, size: int) -> None:
    """Copies the local file ``source`` to ``path`` if it has ``size`` bytes and sha256 ``digest``, else InputError."""
    if not source.is_file():
        raise InputError(f"{source}: no such file; the local folder must hold every file of the set")
    if source.stat().st_size != size or not sha256(source).startswith(digest):
        raise InputError(f"{source}: another file than expected ({size} bytes, sha256 {digest}); download it again")
    with atomic(path) as aside:
        shutil.copyfile(source, aside)


def fetch(urls: Sequence[str], path: Path, digest: str, size: int, local: Path | None, offline: bool) -> None:
    """Makes ``path`` whole and right: as it is, from the folder ``local``, or from ``urls`` unless ``offline``."""
    if stored(path) == size and sha256(path).startswith(digest):
        return
    if local is not None:
        take(local / path.name, path, digest, size)
    elif offline:
        raise InputError(f"{path.name}: not here and the run is offline; get it from {urls[0]} and use --local FOLDER")
    else:
        download(urls, path, digest, size)
