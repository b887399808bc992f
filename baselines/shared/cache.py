"""What a baseline reads off an LR image before restoring it, kept in files: it does not depend on the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from osediff.common.files import atomic, write_text


def place(folder: Path, lr: np.ndarray, stem: str, suffix: str) -> Path:
    """The file for image ``stem``; a digest of its pixels in the name, for another image may take the same name."""
    return folder / f"{stem}-{hashlib.sha256(lr.tobytes()).hexdigest()[:12]}{suffix}"


def text(folder: Path, lr: np.ndarray, stem: str, make: Callable[[], str]) -> str:
    """The text that ``make`` gives for ``lr``, from its file if there is one."""
    path = place(folder, lr, stem, ".txt")
    if not path.exists():
        write_text(path, make())
    return path.read_text(encoding="utf-8")


def array(folder: Path, lr: np.ndarray, stem: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array that ``make`` gives for ``lr``, from its file if there is one."""
    path = place(folder, lr, stem, ".npy")
    if not path.exists():
        with atomic(path) as aside:
            np.save(aside, make())
    content: np.ndarray = np.load(path)
    return content
