"""Which weights of its registry a metric is measured with here, and what a reader of its values must know of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osediff.common.weights import digest, find

Registry = dict[str, Any]


@dataclass(frozen=True)
class Weights:
    """A file of weights that is here: its entry in the registry, where it lies, and the sha256 that it should have."""

    key: str
    path: Path
    expected: str  # may be the first digits only; empty where nobody published it

    @property
    def official(self) -> bool:
        """Whether these are the bytes that the registry names."""
        return digest(self.path).startswith(self.expected)


def file_name(entry: dict[str, Any]) -> str:
    """The one file of an entry of ``weights`` in config/metrics.yaml."""
    (name,) = entry["files"]
    return str(name)


def choices(metric: dict[str, Any]) -> list[list[str]]:
    """The sets of weights, as keys of the registry, with which a metric can be measured, best first."""
    return [metric["weights"], *([metric["alternative_weights"]] if "alternative_weights" in metric else [])]


def available(name: str, registry: Registry) -> list[Weights] | None:
    """The weights with which metric ``name`` is measured here; None where no set of them is complete."""
    for keys in choices(registry["metrics"][name]):
        paths = {key: find(file_name(registry["weights"][key])) for key in keys}
        if None not in paths.values():
            entries = {
                key: registry["weights"][key]["files"][file_name(registry["weights"][key])] or {} for key in keys
            }
            return [Weights(key, path, entries[key].get("sha256", "")) for key, path in paths.items() if path]
    return None


def missing(name: str, registry: Registry) -> dict[str, str]:
    """The files that metric ``name`` needs and that are not here, by their key in the registry."""
    names = {key: file_name(registry["weights"][key]) for key in registry["metrics"][name]["weights"]}
    return {key: file for key, file in names.items() if find(file) is None}


def remark(name: str, registry: Registry) -> str:
    """Which files metric ``name`` is measured with, where that is not plain; empty where it is.

    Not plain are other bytes than the registry's, and files of a metric that can be measured with one set or another."""
    files = available(name, registry) or []
    others = [f"{file.path.name} (sha256 {digest(file.path)[:12]})" for file in files if not file.official]
    if others:
        return f"measured with other weights than the published: {', '.join(others)}"
    several = len(choices(registry["metrics"][name])) > 1
    return f"measured with {', '.join(file.path.name for file in files)}" if several else ""


def digests(name: str, registry: Registry) -> list[str]:
    """The sha256 of the files that metric ``name`` is measured with here."""
    return [digest(file.path) for file in available(name, registry) or []]
