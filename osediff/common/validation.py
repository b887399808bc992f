"""Checks of YAML files: well-formed, by their JSON Schema, and of the names that one file uses from another.

Every error is one line with the file, the key and, where a name is misspelt, the one that was probably meant.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from osediff.common.errors import InputError


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; a key written twice is an error, where plain YAML keeps the last in silence."""

    class Loader(yaml.SafeLoader):
        pass

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [loader.construct_object(key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise InputError(f"{path}: {', '.join(map(str, twice))} stands twice; names must be unique")
        loader.flatten_mapping(node)
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error


def suggestion(name: str, known: Collection[str]) -> str:
    """`` (did you mean ...?)`` when a known name is close, else what is known."""
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def check_schema(content: Any, schema_file: Path, source: str) -> None:
    """InputError in one line, with the key by its path, when ``content`` breaks the JSON Schema in ``schema_file``."""
    errors = list(Draft202012Validator(read_yaml(schema_file)).iter_errors(content))
    if not errors:
        return
    # A misspelt key explains the other errors that it leads to, so it is told first.
    error = next((error for error in errors if error.validator == "additionalProperties"), None) or best_match(errors)
    where = ".".join(map(str, error.absolute_path))
    message = error.message if len(error.message) < 200 else f"{error.validator}: {error.validator_value}"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {}).keys()
        odd = [str(key) for key in error.instance if key not in known]
        message = f"unknown key {odd[0]!r}, {suggestion(odd[0], known)}"
    raise InputError(f"{source}: at {where}: {message}" if where else f"{source}: {message}")


def known(kind: str, name: str, names: Collection[str], source: str) -> None:
    """InputError, with what was meant or what there is, when ``name`` is not one of ``names``."""
    if name not in names:
        raise InputError(f"{source}: unknown {kind} {name!r}, {suggestion(name, names)}")


def check_writable(folders: Collection[Path]) -> None:
    """InputError at the first of ``folders`` in which nothing can be made; one that is yet to be made is judged by the
    folder that it will be in."""
    for folder in folders:
        place = folder if folder.exists() else folder.parent
        if not place.is_dir():
            raise InputError(f"{place}: is a file, where a folder must be; move it away")
        if not os.access(place, os.W_OK | os.X_OK):
            raise InputError(f"{place}: cannot be written; make it writable, or run in a copy of the repository")
