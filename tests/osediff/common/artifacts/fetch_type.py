"""The type of the fixture ``fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from osediff.common.artifacts.model import File


class Fetch(Protocol):
    """Fetch a file of the server from mirrors in order; returns where it lies."""

    def __call__(
        self,
        *urls: str,
        known: File | None = None,
        name: str = "a.pth",
        offline: bool = False,
        local: Path | None = None,
        wait: float = 600,
    ) -> Path:
        """Fetch from ``urls``."""
