"""The folder of a backbone: its parts, and where its files come from. This module does not import torch."""

from __future__ import annotations

from pathlib import Path

from osediff.common.errors import InputError
from osediff.common.files import JSON, read_object

PARTS = ("vae", "unet", "text_encoder", "tokenizer", "scheduler")
MANIFEST = "manifest.json"


def check_parts(folder: Path) -> None:
    """Raise InputError if a part of the backbone in ``folder`` is missing."""
    for part in PARTS:
        if not (folder / part).is_dir():
            raise InputError(
                f"{folder}: no {part}/ in this backbone; it must hold {', '.join(PARTS)} (diffusers layout)"
            )


def source(folder: Path) -> dict[str, JSON]:
    """Return the source of the backbone in ``folder``: ``weights`` (pretrained, random, given), mirror, revision."""
    if not (folder / MANIFEST).exists():
        return {"weights": "given"}
    manifest = read_object(folder / MANIFEST)
    return {key: manifest[key] for key in ("weights", "mirror", "revision", "provided_locally") if key in manifest}
