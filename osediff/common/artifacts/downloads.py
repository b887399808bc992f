"""Download one file from one address: with resuming, limits of time and tries, and a check of its size.

The bytes are stored in ``NAME.part`` beside the target, and ``NAME.part.json`` records their source. A part is resumed
only from the same address, and only if the server's ETag or date is the same (``If-Range``) or a sha256 is known.
"""

from __future__ import annotations

import dataclasses
import email.utils
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from tqdm import tqdm

from osediff.common.artifacts.model import HUB
from osediff.common.artifacts.sessions import make_session, redirect_target
from osediff.common.errors import InputError

CHUNK = 1 << 16  # bytes
REDIRECTS = 5
# A status that may be another one a little later; every other error sends us to the next mirror at once.
BUSY = (408, 425, 429, 500, 502, 503, 504)
OK = (requests.codes.ok, requests.codes.partial_content)
TRANSFER_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError, ValueError)


@dataclass(frozen=True)
class Patience:
    """Limits of waiting for a server. Times are in seconds.

    ``tries`` counts connections that bring less than ``gain`` bytes; a connection that brings less than ``rate`` bytes
    per second over ``window`` is closed. ``package`` is for a whole package, whose progress pip does not tell.
    """

    connect: float = 10
    read: float = 30
    tries: int = 5
    gain: int = 1 << 20
    rate: float = 1 << 10
    window: float = 30
    longest_wait: float = 60
    package: float = 3600


QUICK = Patience(connect=3, read=5, tries=2, window=8, longest_wait=3, package=600)


class MirrorError(Exception):
    """This mirror does not give the file; the message is the reason."""


class BrokenOffError(MirrorError):
    """The transfer broke off and may be tried again, after ``wait`` seconds where the server says so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class PartState:
    """Source of the bytes of a part: address, ``validator`` (ETag or Last-Modified, may be empty), size of the file."""

    url: str = ""
    validator: str = ""
    size: int = 0


def authorization(url: str) -> dict[str, str]:
    """Return the header with $HF_TOKEN for the hub or $HF_ENDPOINT; no other host gets it, also by redirect."""
    token = os.environ.get("HF_TOKEN", "").strip()
    hubs = {urlsplit(hub)[:2] for hub in (HUB, os.environ.get("HF_ENDPOINT", HUB))}
    return {"Authorization": f"Bearer {token}"} if token and urlsplit(url)[:2] in hubs else {}


def find_access(url: str) -> str:
    """Return what to do where a server denies ``url``: the hub asks to accept the license of a gated repository."""
    page, resolve, _ = url.partition("/resolve/")
    if not resolve:
        return "set HF_TOKEN if it needs access"
    if authorization(url):
        return f"the token in HF_TOKEN has no access; accept the license at {page} with its account"
    return f"if it is gated, accept its license at {page}, then set HF_TOKEN"


def file_size(path: Path) -> int:
    """Return bytes of ``path``, 0 where it is absent."""
    return path.stat().st_size if path.exists() else 0


def part_of(path: Path) -> Path:
    """Return the path of the bytes of ``path`` until it is complete."""
    return path.with_name(f"{path.name}.part")


def discard(part: Path) -> None:
    """Remove a part and its state."""
    for path in (part, state_file(part)):
        path.unlink(missing_ok=True)


def state_file(part: Path) -> Path:
    """Return the path of the PartState of ``part``."""
    return part.with_name(f"{part.name}.json")


def read_state(part: Path) -> PartState:
    """Return the state of ``part``; an empty one where it is absent or unreadable, so that the part is not resumed."""
    try:
        return PartState(**json.loads(state_file(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return PartState()


def download(url: str, path: Path, size: int | None, verified: bool, patience: Patience) -> None:
    """Complete the part of ``path`` from ``url``; MirrorError with the reason where the server does not give it.

    ``size`` is the number of bytes where it is known. ``verified`` says that the caller knows a sha256, so that a
    server without ETag and date may be resumed too.
    """
    part, failures = part_of(path), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        before = file_size(part)
        try:
            attempt(url, part, size, verified, patience)
        except BrokenOffError as error:
            failures = 0 if file_size(part) - before >= patience.gain else failures + 1
            if failures >= patience.tries:
                raise MirrorError(f"{error} (asked {failures} times)") from error
            wait = min(2.0**failures / 4, patience.longest_wait) if error.wait is None else error.wait
            if wait > patience.longest_wait:
                raise MirrorError(f"{error}, and asks to wait {wait:.0f} s") from error
            time.sleep(wait)
        else:
            return


def attempt(url: str, part: Path, size: int | None, verified: bool, patience: Patience) -> None:
    """Ask once for the missing bytes of ``part``, and write them. BrokenOffError if another attempt may succeed."""
    state, have = read_state(part), file_size(part)
    if have and (state.url != url or not (state.validator or verified) or have >= state.size):
        discard(part)
        have = 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "osediff-benchmark"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if state.validator:
            headers["If-Range"] = state.validator
    with response_to(url, headers, patience) as response:
        start = have if response.status_code == requests.codes.partial_content else 0
        total = checked_length(response, start, have, state, size, part)
        room = shutil.disk_usage(part.parent).free
        if room < total - start:
            raise InputError(f"{part}: needs {total - start} bytes and the disk has {room}; make room and repeat")
        with writing(part), part.open("ab" if start else "wb") as file:
            new = PartState(url, validator(response), total)
            state_file(part).write_text(json.dumps(dataclasses.asdict(new)), encoding="utf-8")
            receive(response, file, part, start, total, patience)
            file.flush()
            os.fsync(file.fileno())
    if file_size(part) < total:
        raise BrokenOffError(f"the connection ends after {file_size(part)} of {total} bytes")


@contextmanager
def response_to(url: str, headers: dict[str, str], patience: Patience) -> Iterator[requests.Response]:
    """Yield the answer to a request for ``url``, with status 200, 206 or 416; MirrorError for every other."""
    with make_session(patience.connect + patience.read) as session:
        try:
            response = ask(session, url, headers, patience)
        except requests.exceptions.ReadTimeout as error:
            raise BrokenOffError(f"no answer within {patience.read:g} s") from error
        except TRANSFER_ERRORS as error:
            # A server that drops the connection may answer the next one; one that is not there will not.
            gone = "RemoteDisconnected" in repr(error) or "ConnectionResetError" in repr(error)
            raise (BrokenOffError if gone else MirrorError)(reason(error)) from error
        with response:
            if response.status_code in BUSY:
                raise BrokenOffError(f"HTTP {response.status_code}", retry_after(response))
            if response.status_code not in (*OK, requests.codes.requested_range_not_satisfiable):
                way = f"; {find_access(url)}" if response.status_code in (401, 403) else ""
                raise MirrorError(f"HTTP {response.status_code}{way}")
            yield response


def ask(session: requests.Session, url: str, headers: dict[str, str], patience: Patience) -> requests.Response:
    """Return the answer to a request for ``url``, after at most REDIRECTS redirects, whose bodies are not read."""
    for _ in range(REDIRECTS + 1):
        sent = {**headers, **authorization(url)}
        timeout = (patience.connect, patience.read)
        response = session.get(url, headers=sent, stream=True, timeout=timeout)
        target = redirect_target(session, response)
        if target is None:
            return response
        response.close()
        url = requests.utils.requote_uri(urljoin(url, target))
    raise requests.TooManyRedirects(f"redirects more than {REDIRECTS} times")


def checked_length(
    response: requests.Response, start: int, have: int, state: PartState, size: int | None, part: Path
) -> int:
    """Return the size of the file as the server announces it; MirrorError if it announces another size."""
    headers = response.headers
    if response.status_code not in OK:
        discard(part)
        raise BrokenOffError("has no such range of the file any more")
    if headers.get("Content-Type", "").split(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
        raise MirrorError("sends a web page, not the file")
    if headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise MirrorError(f"sends the file compressed ({headers['Content-Encoding'][:20]}), which was not asked for")
    if response.status_code == requests.codes.partial_content:
        parts = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("Content-Range", ""))
        if not have or parts is None or int(parts[1]) != have or (state.size and int(parts[3]) != state.size):
            discard(part)
            raise BrokenOffError("sends another range than asked for")
        total = int(parts[3])
    else:
        length = headers.get("Content-Length", "")
        known = re.fullmatch(r"\d{1,15}", length)
        if known is None and size is None:
            raise MirrorError("announces no size")
        total = int(length) if known else int(size or 0)
    if total == 0:
        raise MirrorError("sends an empty file")
    if size is not None and total != size:
        raise MirrorError(f"announces {total} bytes, not {size}")
    return total


def receive(
    response: requests.Response, file: BinaryIO, part: Path, start: int, total: int, patience: Patience
) -> None:
    """Write the body of ``response`` behind the ``start`` bytes of ``file``; MirrorError if it exceeds ``total``."""
    name, have = part.name.removesuffix(".part"), start
    since, mark = time.monotonic(), start
    with tqdm(desc=name, total=total, initial=start, unit="B", unit_scale=True) as bar:
        while True:
            try:
                block = response.raw.read1(CHUNK)
            except TRANSFER_ERRORS as error:
                if "IncompleteRead" in repr(error):
                    return  # the caller sees what is missing
                raise BrokenOffError(reason(error)) from error
            if not block:
                return
            if have + len(block) > total:
                discard(part)
                raise MirrorError(f"sends more than {total} bytes")
            file.write(block)
            have += len(block)
            bar.update(len(block))
            if (now := time.monotonic()) - since >= patience.window:
                if have - mark < patience.rate * (now - since):
                    raise BrokenOffError(f"sends less than {patience.rate:g} bytes per second")
                since, mark = now, have


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Convert a failure of the disk inside the block into one line that names ``path``."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; correct that (free some space?) and repeat") from error


def validator(response: requests.Response) -> str:
    """Return the value of ``If-Range`` for this version of the file: a strong ETag, else the date, else nothing."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def retry_after(response: requests.Response) -> float | None:
    """Return the seconds that the server asks to wait, given as a number or as a date; None if it gives none."""
    text = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def reason(error: Exception) -> str:
    """Describe an error in a few words: the innermost of the causes that libraries wrap into each other."""
    while (inner := next((part for part in error.args if isinstance(part, Exception)), error.__cause__)) is not None:
        if not isinstance(inner, Exception):
            break
        error = inner
    inner = getattr(error, "reason", None)
    words = str(inner if isinstance(inner, Exception) else error).split("\n")[0]
    words = "".join(letter if letter.isprintable() else "?" for letter in words)
    return f"{type(error).__name__}: " + re.sub(r"^.*?<.*?>: |^HTTPS?Connection\(.*?\): ", "", words)[:120]
