"""Prompts for the text-conditioned UNet: extracted once per image set, kept as data (Table 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from osediff.common.errors import InputError
from osediff.common.files import read_json

STREAM = (
    "crop",
    "scale_factor",
    "degradation",
    "enlarge_modes",
)  # what decides a training pair, with the seed and the photos


def read(path: Path) -> dict[str, Any]:
    """The content of a file of ``python -m osediff.prompts``; InputError if it is none."""
    content = read_json(path)
    if not isinstance(content, dict) or not {"prompts", "made_by"} <= content.keys():
        raise InputError(f"{path}: not a file of python -m osediff.prompts")
    return content


def read_prompts(path: Path, names: list[str]) -> dict[str, str]:
    """Prompts by name (an image's stem) of the file ``path``; InputError if one of ``names`` has none."""
    prompts: dict[str, str] = read(path)["prompts"]
    missing = sorted(set(names) - prompts.keys())
    if missing:
        raise InputError(f"{path}: no prompt for {missing[0]} ({len(missing)} images); extract them from this folder")
    return prompts


def stream(recipe: dict[str, Any], seed: int, photos: str) -> dict[str, Any]:
    """What names a training stream, as it stands in a file of its prompts; ``photos`` is the folder's hash."""
    return {**{key: recipe[key] for key in STREAM}, "seed": seed, "photos": photos}


def names_of_stream(pairs: int, validation: int) -> list[str]:
    """Names of the prompts of a training stream: of its pairs, then of the validation pairs."""
    return [str(n) for n in range(pairs)] + [f"validation-{n}" for n in range(validation)]


def read_stream(path: Path, wanted: dict[str, Any], pairs: int, validation: int) -> list[str]:
    """Prompts of a training stream in the order of ``names_of_stream``; InputError where they are of another stream."""
    found = read(path)["made_by"].get("stream", {})
    odd = [key for key in wanted if found.get(key) != wanted[key]]
    if odd:
        raise InputError(f"{path}: prompts of another training stream, its {odd[0]} differs; extract them anew")
    names = names_of_stream(pairs, validation)
    prompts = read_prompts(path, names)
    return [prompts[name] for name in names]
