"""Read YAML files, and check the names that one file uses from another.

Every error is one line with the file, the key and, for a misspelled name, the nearest right name.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from osediff.common.errors import InputError
from osediff.common.files import check_plain

DEEPEST = 100  # brackets within brackets
ROOM = 1 << 20  # bytes that a disk must have left before a run


class _Loader(yaml.SafeLoader):
    """A stricter YAML: a key occurs once and is text, 5e-5 is a number, and a date is text."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by libyaml, if PyYAML has it, in a tenth of the time; its messages are less clear."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _construct_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[str, Any]:
    keys: set[str] = set()
    for node_of_key, _ in node.value:
        if node_of_key.tag == "tag:yaml.org,2002:merge":
            continue
        key, line = loader.construct_object(node_of_key), node_of_key.start_mark.line + 1
        if not isinstance(key, str):
            raise InputError(f"line {line}: key {key!r} is not text; put it in quotes")
        if key in keys:
            raise InputError(f"line {line}: {key} stands twice; names must be unique")
        keys.add(key)
    loader.flatten_mapping(node)
    return {str(key): value for key, value in loader.construct_mapping(node, deep=True).items()}


for _loader in (_Loader, _FastLoader):
    _loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


class _Dumper(yaml.SafeDumper):
    """Quotes texts that the loader would read as numbers."""


for _class in (_Loader, _FastLoader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
    )


def is_too_deep(text: str) -> bool:
    """Return whether YAML is nested deeper than any of ours: libyaml would leave its stack, and the process end."""
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            return True
    return any(len(line) - len(line.lstrip(" -?:")) > 4 * DEEPEST for line in text.splitlines())


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        InputError: the file is absent, not UTF-8, not YAML, nested too deeply, or has a key twice.
    """
    check_plain(path)
    try:
        text = path.read_text(encoding="utf-8")
        if is_too_deep(text):
            raise RecursionError
        try:
            return yaml.load(text, _FastLoader)
        except yaml.YAMLError:
            return yaml.load(text, _Loader)  # which says what is wrong
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
        raise InputError(f"{path}: {line}not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number with too many digits
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def dump_yaml(content: Any) -> str:
    """Return the YAML text of ``content``, keys in their order."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def as_typed(value: Any) -> Any:
    """Return a value typed on a command line (texts, or lists and mappings of them) as it would be in a YAML file."""
    if isinstance(value, dict):
        return {key: as_typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_typed(item) for item in value]
    try:
        return yaml.load(value, _Loader) if isinstance(value, str) else value
    except (yaml.YAMLError, ValueError):
        return value


def suggestion(name: str, known: Collection[str]) -> str:
    """Return ``did you mean ...?`` if a known name is close to ``name``, else the list of known names."""
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def check_name(kind: str, name: str, names: Collection[str], source: str) -> None:
    """Raise InputError, with the nearest name or all names, if ``name`` is not one of ``names``."""
    if name not in names:
        raise InputError(f"{source}: unknown {kind} {name!r}, {suggestion(name, names)}")


def check_room(folder: Path) -> None:
    """Raise InputError if the disk of ``folder``, or of its parent where it does not exist yet, is full."""
    free = shutil.disk_usage(folder if folder.is_dir() else folder.absolute().parent).free
    if free < ROOM:
        raise InputError(f"{folder}: the disk has {free} bytes left; make room and repeat")


def check_writable(folders: Collection[Path]) -> None:
    """Raise InputError for the first of ``folders`` in which no file can be written.

    For a folder that does not exist yet, its parent is checked.
    """
    for folder in folders:
        place = folder if folder.exists() else folder.parent
        if not place.is_dir():
            raise InputError(f"{place}: is a file, where a folder must be; move it away")
        if not os.access(place, os.W_OK | os.X_OK):
            raise InputError(f"{place}: cannot be written; make it writable, or run in a copy of the repository")
