"""The files of weights with which a metric is measured here, and the notes about them on its values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.metrics.registry import MetricRegistry, Selection
from osediff.common.artifacts.model import Artifact, File
from osediff.common.artifacts.record import expected_files
from osediff.common.errors import InputError
from osediff.common.weights import digest, find

# Files that hold a program beside the weights, so that only the known bytes may be used.
PROGRAMS = ("clip-rn50", "clip-vit-l14")


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that is here: its key in the registry, its path, and the right size and sha256."""

    key: str
    path: Path
    known: File

    @property
    def official(self) -> bool:
        """Whether the file has the registry's sha256, or where that is not whole, the sha256 of the first download."""
        return digest(self.path).startswith(self.known.sha256 or "")


def file_name(artifact: Artifact) -> str:
    """Return the one file of an entry of ``weights`` in config/metrics.yaml."""
    (name,) = artifact.contents
    return name


def find_weights(name: str, selection: Selection | MetricRegistry) -> list[WeightsFile] | None:
    """Find the files with which metric ``name`` is measured here; None if no set of them is complete."""
    for keys in selection.metrics[name].weight_choices:
        names = {key: file_name(selection.weights[key]) for key in keys}
        paths = {key: find(file) for key, file in names.items()}
        if None not in paths.values():
            return [
                WeightsFile(key, path, expected_files(selection.weights[key], path.parent)[path.name])
                for key, path in paths.items()
                if path is not None
            ]
    return None


def missing_weights(name: str, selection: Selection | MetricRegistry) -> dict[str, str]:
    """Return the files that metric ``name`` needs and that are not here, by their key in the registry."""
    if find_weights(name, selection) is not None:
        return {}
    files = {key: file_name(selection.weights[key]) for key in selection.metrics[name].weights}
    return {key: file for key, file in files.items() if find(file) is None}


def usable_weights(name: str, selection: Selection) -> list[Path]:
    """Return the files of metric ``name``; InputError if they are not here, or if a file may not be used."""
    files = find_weights(name, selection)
    if files is None:
        raise InputError(f"{name}: needs {' and '.join(missing_weights(name, selection).values())}")
    for file in files:
        if file.key in PROGRAMS and not file.official:
            raise InputError(f"{file.path}: is another file than config/metrics.yaml says; remove it to fetch it anew")
    return [file.path for file in files]


def weights_note(name: str, selection: Selection | MetricRegistry) -> str:
    """Return a note about the files with which metric ``name`` is measured; empty if they are the only official ones.

    A note is needed for other bytes than the registry's, and for a metric that can be measured with several sets.
    """
    files = find_weights(name, selection) or []
    others = [f"{file.path.name} (sha256 {digest(file.path)[:12]})" for file in files if not file.official]
    if others:
        return f"measured with other weights than the published: {', '.join(others)}"
    several = len(selection.metrics[name].weight_choices) > 1
    return f"measured with {', '.join(file.path.name for file in files)}" if several and files else ""


def weights_digests(name: str, selection: Selection) -> list[str]:
    """Return the sha256 of the files that metric ``name`` is measured with here."""
    return [digest(file.path) for file in find_weights(name, selection) or []]
