"""Where jobs run: the image that is configured must exist."""

from __future__ import annotations

from pathlib import Path

from osediff.common.errors import InputError

PAGE = 'docs/cluster.md, "A container"'


def check_container(container: str | None, wanted: bool) -> None:
    """Raise InputError if jobs are to run in an image (``wanted``) and none is configured, or its file is absent."""
    if not wanted:
        return
    if container is None:
        raise InputError(f"--sdm apptainer: no image is configured; set `container` of the main file ({PAGE})")
    if "://" not in container and not Path(container).exists():
        raise InputError(f"configuration: container: no file {container}; build it ({PAGE}), or correct the name")
