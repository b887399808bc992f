"""Find what comes with the suite: the demo's checkpoint and backbone, and the registries of ``config``.

In a clone they are in its root. In a wheel they are in the folder ``shipped`` of this package (setup.py), so that the
installed command needs no download.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from osediff.common.errors import InputError

PACKAGE = Path(__file__).parents[1]


def shipped(path: str) -> Path:
    """Return where ``path``, relative to the root of the repository, is on this machine."""
    installed = PACKAGE / "shipped"
    return (installed if installed.is_dir() else PACKAGE.parent) / path


def find_model(kind: Literal["checkpoints", "backbones"], named: str | Path | None) -> Path:
    """Return the folder ``named``, or else the shipped model with this name; InputError if there is neither.

    None is the shipped ``demo``, also where the current folder has one of that name.
    """
    if named is None:
        return shipped(kind) / "demo"
    if Path(named).is_dir():
        return Path(named)
    models = {folder.name: folder for folder in sorted(shipped(kind).iterdir()) if folder.is_dir()}
    if str(named) not in models:
        raise InputError(f"{named}: no such folder, and none of the {kind} that are installed: {', '.join(models)}")
    return models[str(named)]
