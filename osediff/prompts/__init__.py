"""Prompts for the text-conditioned UNet: extracted once per image set, kept as data (Table 4)."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import InputError
from contracts.files import read_json


def read_prompts(path: Path, stems: list[str]) -> dict[str, str]:
    """Prompts by stem, of a file of ``python -m osediff.prompts``; InputError if one of ``stems`` has none."""
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("prompts"), dict):
        raise InputError(f"{path}: not a file of python -m osediff.prompts")
    prompts: dict[str, str] = content["prompts"]
    missing = sorted(set(stems) - prompts.keys())
    if missing:
        raise InputError(f"{path}: no prompt for {missing[0]} ({len(missing)} images); extract them from this folder")
    return prompts
