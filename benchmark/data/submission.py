"""The form of a submission: one method's results, which another person's run takes up.

``python -m benchmark.report export`` makes one, and ``benchmark.data.take_submission`` reads it. It is a folder or a
zip file with submission.yaml, rows/TEST_SET.csv, records/TEST_SET.json and images/TEST_SET/IMAGE.png.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from benchmark.metrics.registry import Selection
from osediff.common.artifacts.archives import reading
from osediff.common.errors import InputError
from osediff.common.settings import Name, Settings, Text, read

MANIFEST = "submission.yaml"
LIMIT = 4 * 2**30  # bytes that a zip file may unpack to


class SubmittedImage(Settings):
    """The sha256 of the LR and, if there is one, the HR image on which an SR image was measured."""

    lr_sha256: Text
    hr_sha256: Text | None = None


class Measured(Settings):
    """How a metric was measured: its protocol, and a digest of its definition with the version of its library."""

    protocol: Text
    definition: Text


class Submission(Settings):
    """The content of submission.yaml."""

    format: Literal[1]
    method: Name
    title: Text
    steps: Annotated[int, Field(ge=0)]
    preset: Text
    commit: Text
    """Commit of this suite, by which it was measured."""
    device: Text
    environment: dict[str, Text]
    """Versions of Python and of libraries."""
    metrics: dict[Name, Measured]
    test_sets: dict[Name, dict[str, SubmittedImage]]
    """By test set and image."""


def definition(selection: Selection, metric: str) -> str:
    """Return a digest of how ``metric`` is computed."""
    measure = selection.metrics[metric]
    version = selection.libraries.get(measure.library, "")
    return sha256(f"{measure.model_dump_json()} {version}".encode()).hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """Yield the folder of a submission, which is a folder or a zip file; InputError if it is neither."""
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        unpack(path, Path(folder))
        yield Path(folder)


def unpack(path: Path, folder: Path) -> None:
    """Unpack the zip file ``path`` into ``folder``; InputError if it is none, or if a file would leave the folder."""
    advice = "it is no submission; make one with python -m benchmark.report export"
    with reading(path, advice), zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            inside = PurePosixPath(entry.filename)
            if inside.is_absolute() or ".." in inside.parts:
                raise InputError(f"{path}: {entry.filename} would leave its folder; ask for another zip file")
        if sum(entry.file_size for entry in archive.infolist()) > LIMIT:
            raise InputError(f"{path}: unpacks to more than {LIMIT >> 30} GB; ask for a smaller one")
        archive.extractall(folder)


def read_submission(path: Path) -> Submission:
    """Read submission.yaml of a folder or zip file."""
    with opened(path) as folder:
        return read(folder / MANIFEST, Submission)
