"""Files for what a baseline computes from an LR image before it restores it, such as captions: the seed is not used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from osediff.common.files import atomic, write_text


def cache_text(folder: Path, lr: np.ndarray, stem: str, compute: Callable[[], str]) -> str:
    """Return the text that ``compute`` gives for ``lr``, from its file in ``folder`` if there is one."""
    path = _file(folder, lr, stem, ".txt")
    if not path.exists():
        write_text(path, compute())
    return path.read_text(encoding="utf-8")


def cache_array(folder: Path, lr: np.ndarray, stem: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """Return the array that ``compute`` gives for ``lr``, from its file in ``folder`` if there is one."""
    path = _file(folder, lr, stem, ".npy")
    if not path.exists():
        with atomic(path) as unfinished:
            np.save(unfinished, compute())
    content: np.ndarray = np.load(path)
    return content


def _file(folder: Path, lr: np.ndarray, stem: str, suffix: str) -> Path:
    """The file for an image. Its name holds a digest of the pixels, since another image may have the same name."""
    return folder / f"{stem}-{hashlib.sha256(lr.tobytes()).hexdigest()[:12]}{suffix}"
