"""The main configurations of the repository, and a way to spoil a copy of a registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.helpers import ROOT
from workflow.planning.recipes import merge

MAIN: dict[str, Any] = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
PAPER: dict[str, Any] = merge(MAIN, yaml.safe_load((ROOT / "config" / "paper.yaml").read_text()))


def spoil(root: Path, name: str, *keys: str | int, value: Any) -> None:
    """Sets one value, by its path of keys, in a registry file."""
    path = root / "config" / f"{name}.yaml"
    content = yaml.safe_load(path.read_text())
    entry = content
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))
