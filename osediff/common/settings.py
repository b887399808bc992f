"""Typed settings: one pydantic base class, and functions that read settings from YAML files and write them.

Every mistake is one ``InputError`` line with the file, the path of the key and, for a misspelled word, the nearest
right word.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from osediff.common.errors import InputError
from osediff.common.files import write_text
from osediff.common.validation import as_typed, dump_yaml, read_yaml, suggestion

MAX_SEED = 2**63 - 1
DISCRIMINATORS = ("kind", "trains")  # keys that tell the members of a union apart
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]
ScaleFactor = Annotated[int, Field(ge=1, le=16)]  # the size of an SR image over that of its LR image


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, no conversion of types, no NaN or infinity.

    Sequences are tuples. ``parse`` converts texts of a command line to numbers.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
        defer_build=True,
        protected_namespaces=(),
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, content: Any) -> Any:
        # The message of pydantic does not list the keys.
        if isinstance(content, dict):
            keys = [field.alias or name for name, field in cls.model_fields.items()]
            for key in content:
                if key not in keys:
                    raise PydanticCustomError(
                        "unknown_key", "unknown key {key}, {hint}", {"key": repr(key), "hint": suggestion(key, keys)}
                    )
        return content


Model = TypeVar("Model", bound=Settings)


def _check_name(name: str) -> str:
    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") or name.startswith((".", "-")):
        raise ValueError(f"{name!r} is not a name: use lower-case letters, digits, dots and hyphens")
    return name


def _check_inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} must stay inside its folder: no leading / and no ..")
    return path


Name = Annotated[str, AfterValidator(_check_name)]
InnerPath = Annotated[str, Field(min_length=1), AfterValidator(_check_inside)]


def parse(content: Any, model: type[Model], source: str, texts: Collection[str] = ()) -> Model:
    """Check ``content`` (as YAML gives it) against ``model``.

    Args:
        content: a mapping, with lists, texts and numbers inside.
        model: the class that describes it.
        source: beginning of an error line, usually a file name.
        texts: keys whose values were typed on a command line; their texts become numbers and truth values.

    Raises:
        InputError: at the first violation, in one line.
    """
    if content is None:
        raise InputError(f"{source}: is empty; it must hold keys and values")
    if not isinstance(content, dict):
        raise InputError(f"{source}: must hold keys and values, not {_shown(content)}")
    try:
        content = _with_tuples(content)
        content |= {key: _with_tuples(as_typed(content[key])) for key in texts if key in content}
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{source}: {_line(error, content)}") from None
    except RecursionError:
        raise InputError(f"{source}: is nested too deeply") from None


def parse_each(content: Any, model: Any, source: str) -> dict[str, Any]:
    """Check a mapping of names to entries of one type: a registry file.

    Args:
        content: the mapping, as YAML gives it.
        model: a ``Settings`` class or a union of such classes.
        source: what an error line begins with.

    Raises:
        InputError: at the first violation, in one line.
    """
    if not isinstance(content, dict):
        raise InputError(f"{source}: must hold names and their entries, not {_shown(content)}")
    try:
        content = _with_tuples(content)
        return TypeAdapter(dict[Name, model]).validate_python(content)
    except ValidationError as error:
        raise InputError(f"{source}: {_line(error, content)}") from None
    except RecursionError:
        raise InputError(f"{source}: is nested too deeply") from None


def read(path: Path, model: type[Model]) -> Model:
    """Read the YAML file at ``path`` into ``model``; InputError, in one line, for a mistake in it."""
    return parse(read_yaml(path), model, str(path))


def write(path: Path, settings: Settings) -> None:
    """Write ``settings`` to ``path`` as YAML, whole or not at all; a file with the same content is not touched."""
    text = dump(settings)
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)


def dump(settings: Settings) -> str:
    """Return the YAML text of ``settings``: keys in the order of the class, None if a key is not set."""
    return dump_yaml(settings.model_dump(mode="json", by_alias=True))


def _with_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list | tuple) else value


def _line(error: ValidationError, content: Any) -> str:
    """Return one line for the mistake that explains most: a misspelled key is also missing under its right name."""
    errors = error.errors(include_url=False)
    first = next((item for item in errors if item["type"] == "unknown_key"), errors[0])
    path, text = _path(first["loc"], content), _text(first)
    discriminator = str(first.get("ctx", {}).get("discriminator", "")).strip("'")
    if first["type"] in ("missing", "union_tag_not_found"):
        key = path.pop() if first["type"] == "missing" else discriminator
        given = first["input"] if isinstance(first["input"], dict) else {}
        misspelled = difflib.get_close_matches(key, [str(name) for name in given], 1)
        text = "has too few entries" if key.isdigit() else f"key {key!r} is missing"
        if first["type"] == "union_tag_not_found" and misspelled:
            text = f"unknown key {misspelled[0]!r}, did you mean {key}?"
    elif first["type"] == "union_tag_invalid":
        path.append(discriminator)
    elif first["loc"][-1:] == ("[key]",):
        path.pop()
    return f"at {'.'.join(path)}: {text}" if path else text


def _path(location: tuple[int | str, ...], content: Any) -> list[str]:
    """Return the keys of ``location`` that are in the file: pydantic adds the kinds of unions."""
    path = []
    of_union = True
    for position, key in enumerate(location):
        if of_union and isinstance(content, dict) and key in (content.get(name) for name in DISCRIMINATORS):
            of_union = False
        elif isinstance(content, dict) and (key in content or position == len(location) - 1) and key != "[key]":
            path.append(str(key))
            content, of_union = content.get(key), True
        elif isinstance(content, tuple) and isinstance(key, int):
            path.append(str(key))
            content, of_union = content[key] if key < len(content) else None, True
    return path


def _text(error: ErrorDetails) -> str:
    context, given = error.get("ctx", {}), error["input"]
    kind, shown = error["type"], _shown(given)
    wanted = {
        "string_type": "text",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "dict_type": "keys and values",
        "model_type": "keys and values",
        "model_attributes_type": "keys and values",
        "tuple_type": "a list",
        "finite_number": "a finite number",
        "none_required": "null",
    }
    bounds = {
        "greater_than": "greater than {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "less than {lt}",
        "less_than_equal": "at most {le}",
        "multiple_of": "a multiple of {multiple_of}",
    }
    if kind in wanted:
        quotes = "; put it in quotes" if kind == "string_type" and not isinstance(given, dict | tuple) else ""
        return f"must be {wanted[kind]}, not {shown}{quotes}"
    if kind in bounds:
        limits = {name: f"{int(limit)}" if limit == int(limit) else limit for name, limit in context.items()}
        return f"must be {bounds[kind].format(**limits)}, not {shown}"
    if kind == "literal_error":
        words = [word.strip("' ") for word in context["expected"].replace(" or ", ", ").split(",")]
        return f"must not be {shown}, {suggestion(str(given), words)}"
    if kind == "union_tag_invalid":
        words = [word.strip("' ") for word in context["expected_tags"].split(",")]
        return f"must not be {context['tag']!r}, {suggestion(str(context['tag']), words)}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty" if context["min_length"] == 1 else f"needs at least {context['min_length']} entries"
    if kind == "too_long":
        return f"has more than {context['max_length']} entries"
    if kind == "string_pattern_mismatch":
        return f"{shown} must match {context['pattern']}"
    if kind == "value_error":
        return str(context["error"])
    return error["msg"][:1].lower() + error["msg"][1:]


def _shown(value: Any) -> str:
    """Return a value as an error line shows it: short, and in YAML's form."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
