"""The artifacts of this repository, in groups: a group for each registry that describes artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osediff.common.artifacts.model import Artifact, parse
from osediff.common.errors import InputError
from osediff.common.validation import check_name, read_yaml

Named = dict[str, list[Artifact]]  # by the name of the registry's entry, which may need several


@dataclass(frozen=True)
class Group:
    """The YAML files that match ``files``. ``keys`` lead to the artifacts; ``*`` is any key, the name of an entry.

    Without ``*`` the name is that of the file's folder. The artifacts' folders are relative to ``root``.
    """

    files: str
    keys: tuple[str, ...]
    root: str = "."

    def artifacts(self, base: Path) -> Named:
        """Return every artifact of the group, from the files below ``base``; InputError if one is not valid."""
        named: Named = {}
        for path in sorted(base.glob(self.files)):
            registry = read_yaml(path)
            for name, content in walk(registry, self.keys, path.parent.name):
                contents = content if isinstance(content, list) else [content]
                artifacts = [parse(item, f"{path}: {name}") for item in contents]
                named.setdefault(name, []).extend(under(registry, artifact) for artifact in artifacts)
        return named


def under(registry: Any, artifact: Artifact) -> Artifact:
    """Return ``artifact`` with the license of its registry (a descriptor of a baseline) if it has none.

    A license that forbids commercial use must be accepted first.
    """
    license = registry.get("license") if isinstance(registry, dict) else None
    if artifact.license or not isinstance(license, dict):
        return artifact
    accept = None if license.get("commercial") else str(license.get("id"))
    return artifact.model_copy(update={"license": str(license.get("id")), "accept": accept})


def walk(content: Any, keys: tuple[str, ...], name: str) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of every entry of ``content`` to which ``keys`` lead."""
    if not keys:
        yield name, content
    elif isinstance(content, dict) and keys[0] == "*":
        for key, value in content.items():
            yield from walk(value, keys[1:], str(key))
    elif isinstance(content, dict) and keys[0] in content:
        yield from walk(content[keys[0]], keys[1:], name)


GROUPS = {
    "metric-weights": Group("config/metrics.yaml", ("weights", "*")),
    "loss-weights": Group("config/loss_weights.yaml", ("*",)),
    "backbones": Group("config/backbones.yaml", ("*", "download")),
    "prompt-weights": Group("config/prompts.yaml", ("weights", "*")),
    "photographs": Group("config/photos.yaml", ("*", "download")),
    "test-sets": Group("config/testsets.yaml", ("*", "download")),
    "method-images": Group("config/methods.yaml", ("*", "download", "*")),
    "method-checkpoints": Group("config/methods.yaml", ("*", "official_file")),
    "baselines": Group("baselines/*/descriptor.yaml", ("weights",), "data/baselines/weights"),
}


def choose(groups: list[str], only: list[str], base: Path) -> dict[str, Named]:
    """Return the artifacts of ``groups`` (all if empty) by group, reduced to the names in ``only`` if it is not empty.

    InputError, with the nearest right word, for an unknown group or name.
    """
    for group in groups:
        check_name("group", group, GROUPS, "artifacts")
    selected = {group: GROUPS[group].artifacts(base) for group in groups or GROUPS}
    names = {name for named in selected.values() for name in named}
    for name in only:
        check_name("artifact", name, names, "artifacts")
    if not names:
        raise InputError(f"{base.resolve()}: has no registry of artifacts; run this in the repository's folder")
    if only:
        selected = {group: {name: named[name] for name in only if name in named} for group, named in selected.items()}
    return selected
