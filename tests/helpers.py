"""What tests of several folders share and no fixture can give."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all test processes of a run share.

    The processes of pytest-xdist have folders of their own, in this one.
    """
    folder = factory.getbasetemp()
    return folder.parent if folder.name.startswith("popen-") else folder


def build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return a folder that ``build`` fills once for all test processes of a run; nobody may change it."""
    folder = shared_folder(factory) / name
    finished = folder.with_suffix(".finished")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            finished.touch()
    return folder
