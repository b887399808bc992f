"""The values that an evaluation has measured so far, in a file, so that a stopped one continues."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType

from osediff.common.files import read_json_lines


class ResultCache:
    """Values, each under a key of everything that it depends on, in a file of JSON lines that only grows.

    Threads may share it.
    """

    def __init__(self, path: Path, *basis: str | int) -> None:
        """Open the cache at ``path``; all values depend on ``basis``, besides their metric and images."""
        self.basis = basis
        self.values: dict[str, float] = {}
        self.read(path)
        self._file = path.open("a", encoding="utf-8")
        self._file.write("\n" if self._file.tell() else "")  # behind the line that a kill cut off
        self._lock = Lock()

    def read(self, path: Path) -> None:
        """Take up the values that an evaluation stored in the file at ``path``."""
        for row in read_json_lines(path):
            match row:
                case {"key": str(key), "value": float(value)} if math.isfinite(value):
                    self.values[key] = value

    def __enter__(self) -> ResultCache:
        """Use the cache for a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def __contains__(self, key: str) -> bool:
        """Whether the value of ``key`` is measured."""
        return key in self.values

    def __getitem__(self, key: str) -> float:
        """Return the value of ``key``."""
        return self.values[key]

    def key(self, metric: str, definition: str, digests: Sequence[str]) -> str:
        """Return the key of one value: a digest of the basis, the metric and its definition, and the images' sha256."""
        content = [*self.basis, metric, definition, *digests]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def add(self, key: str, image: str, metric: str, value: float) -> None:
        """Store one value: it is in the file before the next value is measured."""
        with self._lock:
            self.values[key] = value
            self._file.write(json.dumps({"image": image, "metric": metric, "value": value, "key": key}) + "\n")
            self._file.flush()
