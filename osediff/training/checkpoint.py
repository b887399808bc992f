"""Training state that survives a kill, and the checkpoint folders that training leaves behind.

A checkpoint is a folder: ``adapters.safetensors`` (LoRA under PEFT's own names, and the trained ``conv_in``),
``recipe.json`` (the variant), ``log.jsonl`` and ``provenance.json`` (hashes of data, backbone and code; versions).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.common.files import atomic, read_json, sha256
from osediff.models.lora import GENERATOR


class Tensors:
    """Named parameters and buffers with the two methods of a module that a training state needs."""

    def __init__(self, parameters: Mapping[str, torch.Tensor]) -> None:
        self.parameters = parameters

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The parameters, by name."""
        return {name: parameter.detach() for name, parameter in self.parameters.items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Copies ``state`` into the parameters; names must be the same."""
        if state.keys() != self.parameters.keys():
            odd = sorted(state.keys() ^ self.parameters.keys())
            raise InputError(f"adapters do not fit this network: {len(odd)} names differ, the first is {odd[0]}")
        for name, parameter in self.parameters.items():
            if state[name].shape != parameter.shape:
                sizes = f"{tuple(state[name].shape)}, needed is {tuple(parameter.shape)}"
                raise InputError(f"adapters do not fit this network or rank: {name} is {sizes}")
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state[name])


def fingerprint(settings: Any) -> str:
    """sha256 of ``settings`` (anything JSON can hold): two runs may share a state only if theirs are equal."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def folder_hash(folder: Path) -> str:
    """sha256 over names and contents of the files below ``folder``, Python's caches left out."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    if not files:
        raise InputError(f"{folder}: no such folder, or nothing in it")
    # A training set of the paper's size takes minutes.
    shown = tqdm(files, desc=f"reading {folder.name}", unit="file", delay=5, leave=False)
    return fingerprint({str(path.relative_to(folder)): sha256(path) for path in shown})


def save_state(path: Path, parts: dict[str, Any], settings: Any, step: int) -> None:
    """Writes the ``state_dict`` of every part after ``step`` steps, whole or not at all."""
    state = {name: part.state_dict() for name, part in parts.items()}
    with atomic(path) as aside:
        torch.save({"step": step, "fingerprint": fingerprint(settings), "parts": state}, aside)


def load_state(path: Path, parts: dict[str, Any], settings: Any) -> int:
    """Restores every part from ``path``; returns the number of steps done, 0 when other settings made the state."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError) as error:
        raise InputError(f"{path}: not a readable training state; delete it to start again") from error
    if state["fingerprint"] != fingerprint(settings):
        return 0
    for name, part in parts.items():
        part.load_state_dict(state["parts"][name])
    return int(state["step"])


def open_log(path: Path, steps: int) -> TextIO:
    """Opens a JSON-lines log for appending, without the lines after ``steps``, which will be written again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= steps]
    path.write_text("".join(line + "\n" for line in kept))
    return path.open("a")


def read_recipe(text: str) -> dict[str, Any]:
    """The recipe in ``text``, which is JSON itself or the name of a JSON file."""
    try:
        if not text.lstrip().startswith("{"):
            return read_json(Path(text))
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"recipe: not valid JSON ({error})") from error


def save_adapters(path: Path, parameters: dict[str, nn.Parameter]) -> None:
    """Writes the generator's parameters as safetensors under PEFT's names (the role left out)."""
    tensors = {name.replace(f".{GENERATOR}.", "."): p.detach().cpu().contiguous() for name, p in parameters.items()}
    with atomic(path) as aside:
        save_file(tensors, aside)


def load_adapters(path: Path, parameters: dict[str, nn.Parameter]) -> None:
    """Copies the adapters stored in ``path`` into the generator's ``parameters``."""
    try:
        stored = load_file(path)
    except (SafetensorError, FileNotFoundError) as error:
        raise InputError(f"{path}: no readable adapters here; train the variant again") from error
    renamed = {name.replace(f".{GENERATOR}.", "."): name for name in parameters}
    Tensors(parameters).load_state_dict({renamed.get(name, name): tensor for name, tensor in stored.items()})
