"""What the tests of artifacts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from osediff.common.artifacts.downloads import Patience
from tests.file_server import CONTENT, DIGEST, FileServer, serving


@pytest.fixture
def server() -> Iterator[FileServer]:
    yield from serving()


@pytest.fixture
def other_server() -> Iterator[FileServer]:
    """Another host, as far as credentials are concerned: another port."""
    yield from serving()


@pytest.fixture
def patience() -> Patience:
    """A person in a hurry."""
    return Patience(connect=0.5, read=0.5, tries=3, gain=50_000, window=0.5, rate=1000, longest_wait=0.05)


@pytest.fixture(scope="session")
def content() -> bytes:
    """What the server has: 256,004 bytes that begin as a zip does."""
    return CONTENT


@pytest.fixture(scope="session")
def digest() -> str:
    """The sha256 of ``content``."""
    return DIGEST


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests of this folder set the hub's variables themselves."""
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
