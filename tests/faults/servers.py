"""A loopback server that misbehaves: the file that comes is the right one, or there is one line and no file."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osediff.common.artifacts.downloads import Patience
from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import Artifact, File, Mirror
from osediff.common.errors import InputError
from tests.faults.outcomes import REFUSED, Outcome
from tests.file_server import CONTENT, DIGEST, FileServer, serving

NAME = "weights.pth"
PATIENCE = Patience(connect=2, read=2, tries=3, window=2, longest_wait=1)
SECONDS = 60  # at most, for two mirrors with these limits
REQUESTS = 30
# These give a whole file of the right kind with other bytes, which only a sha256 tells.
DECEITFUL = ("wrong", "long")
BEHAVIORS = (
    *("absent", "denied", "busy", "sleepy", "unavailable", "page", "hidden-page", "pointer", "empty", "sizeless"),
    *("chunked", "gzip", "other-range", "rangeless", "cut", "byte", "reset", "stall", "drip", "silent", "malformed"),
    *("nonsense", "bad-redirect", "loop", "redirect", "longer-than-announced", "slow-header", "many-headers"),
    *("other-total", "later-page", "endless-redirect", "continue", "whole"),
)


@contextmanager
def server() -> Iterator[FileServer]:
    """Run a server for the block."""
    yield from serving()


def trial(place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Fetch a file from one or two mirrors that misbehave, perhaps with a part of an earlier call."""
    behaviors = rng.sample(BEHAVIORS, rng.randint(1, 2))
    known = rng.random() < 0.5
    if known and rng.random() < 0.3:
        behaviors[0] = rng.choice(DECEITFUL)
    place.mkdir(parents=True)
    with server() as files:
        files.etag = rng.choice(['"version-1"', "", 'W/"weak"'])
        mirrors = tuple(Mirror(url=files.url(behavior)) for behavior in behaviors)
        file = File(size=len(CONTENT), sha256=DIGEST) if known else File()
        artifact = Artifact(folder="a", mirrors=mirrors, files={NAME: file})
        about = f"{' then '.join(behaviors)}{', sha256 known' if known else ''}, ETag {files.etag or 'none'}"
        if rng.random() < 0.3:  # an earlier call got a part, from a version that is no longer there
            earlier = Artifact(folder="a", mirrors=(Mirror(url=files.url("cut")),), files={NAME: file})
            files.content = CONTENT[::-1]
            fetch(earlier, place)
            files.content = CONTENT
            about += ", after a part of another version"
        files.seen.clear()
        since = time.monotonic()
        outcome = fetch(artifact, place)
        seconds, requests = time.monotonic() - since, len(files.seen)
    if outcome.verdict == "one line" and (place / "a" / NAME).exists():
        return about, Outcome("wrong bytes", "a refused file is here")
    if seconds > SECONDS:
        return about, Outcome("hang", f"{seconds:.0f} s")
    return about, Outcome("too many requests", str(requests)) if requests > REQUESTS else outcome


def fetch(artifact: Artifact, place: Path) -> Outcome:
    """Fetch ``artifact``; the outcome says whether its file is right."""
    try:
        obtain(artifact, Fetching(patience=PATIENCE), place)
    except InputError as error:
        return REFUSED if "\n" not in str(error) else Outcome("another message", str(error))
    except Exception as error:
        return Outcome("traceback", repr(error))
    right = (place / artifact.folder / NAME).read_bytes() == CONTENT
    return Outcome("right file") if right else Outcome("wrong bytes", "accepted")
