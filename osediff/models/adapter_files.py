"""Read and write the trained weights of a checkpoint: ``adapters.safetensors``, LoRA by PEFT's names, ``conv_in``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from osediff.common.errors import InputError
from osediff.common.files import atomic, read_object, sha256
from osediff.common.tensor_files import read_tensors
from osediff.models.adapter_names import ADAPTERS, GENERATOR
from osediff.outcome import PROVENANCE


def copy_tensors(parameters: Mapping[str, Tensor], values: Mapping[str, Tensor], source: str) -> None:
    """Copy ``values`` into ``parameters`` in place, by name.

    Raises:
        InputError: names or shapes differ; ``source`` is named. Nothing is copied then.
    """
    if values.keys() != parameters.keys():
        differing = sorted(values.keys() ^ parameters.keys())
        raise InputError(
            f"{source}: does not fit this network: {len(differing)} names differ, the first is {differing[0]}"
        )
    for name, parameter in parameters.items():
        if values[name].shape != parameter.shape:
            shapes = f"{tuple(values[name].shape)}, needed is {tuple(parameter.shape)}"
            raise InputError(f"{source}: does not fit this network or rank: {name} is {shapes}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(values[name])


def without_role(name: str) -> str:
    """Return a parameter's name in the file: PEFT's name, without the adapter's role."""
    return name.replace(f".{GENERATOR}.", ".")


def save_adapters(path: Path, parameters: Mapping[str, nn.Parameter]) -> None:
    """Write the generator's ``parameters`` to ``path`` as safetensors, whole or not at all."""
    tensors = {without_role(name): p.detach().cpu().contiguous() for name, p in parameters.items()}
    with atomic(path, durable=True) as temporary:
        save_file(tensors, temporary)


def read_adapters(folder: Path) -> dict[str, Tensor]:
    """Read the adapters of the checkpoint ``folder``, by their names in the file.

    Raises:
        InputError: the file is absent or damaged, its sha256 is not that of ``provenance.json``, or a weight is not
            finite, or not float32.
    """
    path = folder / ADAPTERS
    tensors = read_tensors(path)
    if (folder / PROVENANCE).exists() and read_object(folder / PROVENANCE).get("adapters") != sha256(path):
        raise InputError(f"{path}: is not the file that {PROVENANCE} beside it names (sha256); train again")
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32:
            raise InputError(f"{path}: {name} is {tensor.dtype}, needed is float32; train the variant again")
    return tensors


def load_adapters(folder: Path, parameters: Mapping[str, nn.Parameter]) -> None:
    """Copy the adapters of the checkpoint ``folder`` into the generator's ``parameters``; errors as ``read_adapters``.

    Raises:
        InputError: the adapters do not fit the network or its rank.
    """
    names = {without_role(name): name for name in parameters}
    values = {names.get(name, name): tensor for name, tensor in read_adapters(folder).items()}
    copy_tensors(parameters, values, str(folder / ADAPTERS))
