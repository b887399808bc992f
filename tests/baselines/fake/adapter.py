"""A baseline that fails as a file says, and at which image: ``crash b``, ``hang load``, or ``well``."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from osediff.common.errors import InputError
from osediff.common.settings import Settings


class Options(Settings):
    """It has none."""


def fail(how: str) -> None:
    """Fail in the way ``how``."""
    print(f"about to {how}")
    if how == "crash":
        raise MemoryError("no room for 3 GB")
    if how == "oom":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "hang":
        time.sleep(1000)
    if how == "leave":
        os._exit(0)
    if how == "fetch":
        socket.create_connection(("example.org", 80), timeout=1)
    if how == "meddle":
        for name in ("XDG_CACHE_HOME", "TRITON_CACHE_DIR", "TORCH_EXTENSIONS_DIR", "CUDA_CACHE_PATH"):
            Path(os.environ[name]).mkdir(parents=True)
        Path("sources/weights/fake.txt").write_text("others")
    if how == "complain":
        raise InputError("fake.txt: is not what it should be; get it anew")


def load(
    sources: Path, options: Options, device: str, cache: Path
) -> Callable[[np.ndarray, str, int | None], np.ndarray]:
    """Return a function that repeats pixels; the first one shows the seed and a draw from each global generator."""
    how, _, where = (sources / "does").read_text().partition(" ")
    print("loading", file=sys.stderr)
    if where == "load":
        fail(how)

    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        if stem == where:
            fail(how)
        sr = lr.repeat(4, 0).repeat(4, 1)
        sr[0, 0] = [seed % 256 if seed is not None else 0, random.randrange(256), np.random.randint(256)]  # noqa: NPY002
        if stem == where and how == "shrink":
            return sr[1:]
        return sr.astype(np.float32) if stem == where and how == "float" else sr

    return restore
