"""What the fixture ``fetch`` is: a way to fetch the file of the test server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from osediff.common.artifacts.downloads import Patience
from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import Artifact, File, Mirror


@dataclass(frozen=True)
class Fetch:
    """Fetch ``expected`` of the server's files into ``folder``."""

    folder: Path
    patience: Patience
    expected: File

    def __call__(
        self,
        *urls: str,
        known: File | None = None,
        name: str = "a.pth",
        offline: bool = False,
        local: Path | None = None,
        wait: float = 600,
    ) -> Path:
        """Fetch from mirrors in order; ``known`` says what the registry knows of the file. Returns where it lies."""
        mirrors = tuple(Mirror(url=url) for url in urls)
        artifact = Artifact(license="MIT", folder="set", mirrors=mirrors, files={name: known or self.expected})
        obtain(artifact, Fetching(patience=self.patience, offline=offline, local=local, wait=wait), self.folder)
        return self.folder / "set" / name
