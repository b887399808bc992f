"""What the tests of artifacts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from osediff.common.artifacts.downloads import MirrorError, Patience
from osediff.common.artifacts.model import File
from osediff.common.artifacts.packages import pip
from tests.file_server import CONTENT, DIGEST, FileServer, serving
from tests.osediff.common.artifacts.fetch_type import Fetch
from tests.osediff.common.artifacts.sample_package import write_index


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A file server on the loopback address."""
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


@pytest.fixture
def fetch(tmp_path: Path, patience: Patience, content: bytes, digest: str) -> Fetch:
    """Fetch ``a.pth`` of the server's content from mirrors in order; ``known`` says what the registry knows of it."""
    return Fetch(tmp_path, patience, File(size=len(content), sha256=digest))


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FileServer) -> Path:
    """A repository with two small metric weights, a large one, one on request, and a baseline with a license."""

    def artifact(name: str, behavior: str, size: int, **more: object) -> dict[str, object]:
        mirrors = [{"url": server.url(behavior)}]
        files = {f"{name}.pth": {"size": size, "sha256": DIGEST}}
        return {"license": "MIT", "folder": "data/weights", "mirrors": mirrors, "files": files, **more}

    size = len(server.content)
    weights = {
        "here": artifact("here", "whole", size),
        "gone": artifact("gone", "absent", size),
        "large": artifact("large", "whole", 10**9),
        "rare": artifact("rare", "whole", size, on_request=True),
    }
    one = {"mirrors": [{"url": server.url("whole")}], "files": {"b.pth": None}}
    descriptor = {"license": {"id": "S-Lab-1.0", "commercial": False}, "weights": [one]}
    for path, content in (("config/metrics.yaml", {"weights": weights}), ("baselines/x/descriptor.yaml", descriptor)):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A file that appears when something of the package runs."""
    return tmp_path / "something-ran"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: Path) -> dict[str, str]:
    """A folder index with ``sample-weights`` 1.0, for which pip is configured; the sha256 of its files by suffix."""
    try:
        pip()
    except MirrorError as error:
        pytest.skip(str(error))
    digests = write_index(tmp_path / "index", trap)
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index").as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    return digests
