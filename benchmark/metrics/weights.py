"""Where the weights of learned metrics lie on this machine. Nothing is imported or fetched to find out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def torch_home() -> Path:
    """Where torch and pyiqa keep weights."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("TORCH_HOME") or Path(cache) / "torch").expanduser()


def hub_cache() -> Path:
    """Where huggingface_hub keeps files, by its documented variables."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()


def weight_file(weight: dict[str, Any]) -> Path | None:
    """The file of one entry of the weights manifest (config/metrics.yaml), or None where it is absent."""
    if weight["cache"] == "huggingface":
        snapshots = hub_cache() / f"models--{weight['repo'].replace('/', '--')}" / "snapshots"
        return next(iter(sorted(snapshots.glob(f"*/{weight['path']}"))), None)
    path = torch_home() / weight["path"]
    return path if path.is_file() else None
