"""Reading what a training wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor


def weights(folder: Path) -> dict[str, Tensor]:
    """The adapters of a checkpoint."""
    return load_file(folder / "adapters.safetensors")


def log_rows(folder: Path) -> list[dict[str, Any]]:
    """The lines of a checkpoint's log."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
