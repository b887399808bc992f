"""Training state that survives a kill: saved whole, loaded only if it fits, never overwritten without a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from osediff.common.errors import InputError
from osediff.common.files import JSON, atomic
from osediff.common.tensor_files import read_pickled

STATE = "state.pt"
SHOWN = 60  # characters of a value in an error line


class Checkpointable(Protocol):
    """Anything with a state, as torch's modules and optimizers have."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any]) -> object:
        """Take up a state."""


class StateMismatchError(InputError):
    """A saved training state belongs to another training; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}; --restart starts afresh (the state is set aside, not deleted)")


def _flat(settings: JSON, prefix: str = "") -> dict[str, JSON]:
    """Settings by dotted key."""
    if not isinstance(settings, Mapping):
        return {prefix: settings}
    return {
        key: value
        for name, entry in settings.items()
        for key, value in _flat(entry, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def _shown(value: JSON) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def differences(old: JSON, new: JSON) -> str:
    """Return which settings differ, with old and new value, in one line; empty where none does.

    A hash (64 digits) is named without its values, which would say nothing to a reader.
    """
    before, now = _flat(old), _flat(new)
    lines = []
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) == now.get(key):
            continue
        values = [_shown(settings[key]) if key in settings else "not set" for settings in (before, now)]
        is_hash = all(len(str(settings.get(key))) == 64 for settings in (before, now))
        lines.append(f"{key} changed" if is_hash else f"{key} was {values[0]}, is {values[1]}")
    return "; ".join(lines)


def save_state(path: Path, checkpointables: Mapping[str, Checkpointable], settings: JSON, step: int) -> None:
    """Write the state of every checkpointable after ``step`` steps, whole or not at all.

    ``settings``: all that decides the result, as JSON can hold it; ``load_state`` compares it.
    """
    states = {name: part.state_dict() for name, part in checkpointables.items()}
    content = {"step": step, "settings": json.dumps(settings, sort_keys=True), "states": states}
    with atomic(path, durable=True) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:  # torch's zip writer hides the system's reason: a full disk as a rule
            raise InputError(
                f"{path}: cannot be written ({str(error).splitlines()[0]}); make room and repeat"
            ) from error


def load_state(path: Path, checkpointables: Mapping[str, Checkpointable], settings: JSON) -> int:
    """Restore every checkpointable from ``path``; return the number of steps behind the state.

    Raises:
        StateMismatchError: the file cannot be read, is no training state, or belongs to other settings. The line says
            what differs and names ``--restart``. Nothing is restored then.
    """
    try:
        content = read_pickled(path)
        step, stored, states = int(content["step"]), json.loads(content["settings"]), content["states"]
    except (InputError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StateMismatchError(f"{path}: not a readable training state") from error
    changed = differences(stored, json.loads(json.dumps(settings)))
    if changed:
        raise StateMismatchError(f"{path}: belongs to other settings ({changed})")
    try:
        for name, part in checkpointables.items():
            part.load_state_dict(states[name])
    except Exception as error:  # torch's optimizers trust what they get
        raise StateMismatchError(f"{path}: does not fit this training ({str(error).splitlines()[0]})") from error
    return step


def set_aside(folder: Path) -> Path:
    """Rename the state's ``folder`` so that a training can start afresh; return its new name."""
    number = 1
    while (target := folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    folder.rename(target)
    return target
