"""Small test sets with their lists of checksums, and images that a server has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.data import checksums as image_checksums
from osediff.common.files import sha256
from osediff.common.images import write_png
from tests.file_server import FileServer, serving


@pytest.fixture
def one_pair(tmp_path: Path) -> dict[str, Path]:
    """Folders of LR and HR images with one pair, 4x3 and 16x12 pixels."""
    rng = np.random.default_rng(0)
    for part, (height, width) in (("LR", (3, 4)), ("HR", (12, 16))):
        write_png(tmp_path / part / "a.png", rng.integers(0, 256, (height, width, 3), np.uint8))
    return {part: tmp_path / part for part in ("LR", "HR")}


@pytest.fixture
def listed(one_pair: dict[str, Path], tmp_path: Path) -> image_checksums.Checksums:
    """The list of the two images, read from a file."""
    (tmp_path / "known.csv").write_text(image_checksums.checksums_csv(one_pair))
    return image_checksums.read(tmp_path / "known.csv")


@pytest.fixture
def two_pairs(tmp_path: Path) -> tuple[Path, Path]:
    """LR/ and HR/ with the pairs a and b, 8x6 and 32x24 pixels."""
    rng = np.random.default_rng(0)
    for stem in "ab":
        write_png(tmp_path / "LR" / f"{stem}.png", rng.integers(0, 256, (6, 8, 3), np.uint8))
        write_png(tmp_path / "HR" / f"{stem}.png", rng.integers(0, 256, (24, 32, 3), np.uint8))
    return tmp_path / "LR", tmp_path / "HR"


@pytest.fixture
def checksums(two_pairs: tuple[Path, Path], tmp_path: Path) -> str:
    """The file that ``list`` writes about the two pairs."""
    path = tmp_path / "known.csv"
    path.write_text(image_checksums.checksums_csv(dict(zip(("LR", "HR"), two_pairs, strict=True))))
    return str(path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Published images, which all have the same content: a.png and b.png."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    for name in ("a.png", "b.png"):
        write_png(tmp_path / "published" / name, pixels)
    return tmp_path / "published"


@pytest.fixture
def server(images: Path) -> Iterator[FileServer]:
    """A server that has the images of ``images``."""
    for one in serving():
        one.content = (images / "a.png").read_bytes()
        yield one


@pytest.fixture
def spec(images: Path) -> dict[str, Any]:
    """The spec of a method that published ``images``; nobody answers at its address."""
    files = {path.name: {"size": path.stat().st_size, "sha256": sha256(path)} for path in sorted(images.iterdir())}
    mirrors = [{"url": "http://127.0.0.1:9/{file}"}]
    artifact = {"license": "MIT", "folder": "data/images/x/one", "mirrors": mirrors, "files": files}
    return {"method": "x", "test_set": "one", "images": artifact}
