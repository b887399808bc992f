"""Descriptors: what each baseline is, where its code and weights come from, and how it runs (docs/add-a-baseline.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from baselines.runner import settings as settings_of_baselines
from osediff.common.artifacts.model import Artifact
from osediff.common.artifacts.model import parse as parse_artifact
from osediff.common.settings import parse
from osediff.common.validation import known, read_yaml

FOLDER = Path(__file__).parents[1]
Descriptor = dict[str, Any]


def names() -> list[str]:
    """Every baseline: the folders here that hold a descriptor, sorted."""
    return sorted(path.parent.name for path in FOLDER.glob("*/descriptor.yaml"))


def read(name: str) -> Descriptor:
    """The checked descriptor of baseline ``name``; InputError for an unknown name or what the model refuses."""
    known("baseline", name, names(), str(FOLDER))
    path = FOLDER / name / "descriptor.yaml"
    content: Descriptor = read_yaml(path)
    parse(content, settings_of_baselines.Descriptor, str(path))
    return content


def settings(descriptor: Descriptor) -> dict[str, Any]:
    """The values of the official settings, by name."""
    return {name: entry["value"] for name, entry in descriptor["settings"].items()}


def artifacts(descriptor: Descriptor) -> list[Artifact]:
    """The weights of a baseline; their license is that of the baseline unless they have one of their own."""
    license = descriptor.get("license", {"id": ""})
    return [
        artifact if artifact.license else artifact.model_copy(update={"license": license["id"]})
        for artifact in (parse_artifact(item, "weights") for item in descriptor["weights"])
    ]
