"""Official code at work: a checkout made importable, its networks filled from checkpoints that hold only weights."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from osediff.common.errors import InputError

PREFIXES = ("module.", "_orig_mod.")  # of data-parallel training and of torch.compile
Restore = Callable[[np.ndarray, str, int | None], np.ndarray]


class Inert:
    """Stands in for any object in a checkpoint that is no tensor; nothing is called, nothing is kept."""

    def __init__(self, *arguments: Any, **options: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


def importable(checkout: Path) -> Path:
    """Puts a checkout in front of this process's import path; InputError where there is none."""
    if not checkout.is_dir():
        raise InputError(
            f"{checkout}: no checkout; `snakemake --cores 1 baseline_sources` clones it there (docs/add-a-baseline.md)"
        )
    sys.dont_write_bytecode = True  # nothing is added to it
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    return checkout


def checkpoint(path: Path) -> dict[str, Tensor]:
    """The weights in the checkpoint at ``path``, .safetensors or torch's own, by name; they stay on disk until used.

    Training frameworks leave objects of theirs beside the weights; each becomes an ``Inert``, and none is executed.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; `snakemake --cores 1 baseline_sources` brings it (docs/add-a-baseline.md)"
        )
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        zipped = zipfile.is_zipfile(path)
        found = torch.serialization.get_unsafe_globals_in_checkpoint(str(path)) if zipped else []
        with torch.serialization.safe_globals([(Inert, name) for name in found]):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:
        raise InputError(f"{path}: not a checkpoint of weights ({str(error).splitlines()[0]}); get it anew") from error
    weights = content.get("state_dict", content)
    for prefix in PREFIXES:
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def built(build: Callable[[], nn.Module]) -> nn.Module:
    """The network that ``build`` makes, its parameters without memory until ``filled`` gives them values."""
    register = nn.Module.register_parameter

    def on_meta(module: nn.Module, name: str, value: nn.Parameter | None) -> None:
        # One that is without memory already stays itself, so that what networks share stays shared; accelerate's
        # init_empty_weights makes another each time.
        if value is not None and not value.is_meta:
            value = nn.Parameter(value.to("meta"), requires_grad=value.requires_grad)
        register(module, name, value)

    with patch.object(nn.Module, "register_parameter", on_meta):
        return build()


def filled(
    network: nn.Module, weights: Mapping[str, Tensor], path: Path, prefix: str = "", buffers: bool = True
) -> nn.Module:
    """``network`` with the weights whose names begin with ``prefix``, float32, for evaluation.

    InputError if one is missing or of another shape; more weights than the network has are none of its affair. Without
    ``buffers``, those that the checkpoint lacks stay as the network computed them.
    """
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    parameters = dict(network.named_parameters())
    wanted = {k: v for k, v in network.state_dict().items() if buffers or k in parameters or k in own}
    for name, value in wanted.items():
        if name not in own or own[name].shape != value.shape:
            problem = "is not in it" if name not in own else f"has the shape {tuple(own[name].shape)}"
            raise InputError(f"{path}: {prefix}{name} {problem}; this is a checkpoint of another network, get it anew")
    network.load_state_dict({name: own[name] for name in wanted}, assign=True, strict=buffers)
    return network.float().eval().requires_grad_(False)


def generators(device: str) -> Callable[[int | None], torch.Generator]:
    """What gives the generator of an image: a fresh one for a seed; for None (official stream) the same one each time,
    seeded as the global one was."""
    stream: list[torch.Generator] = []

    def generator(seed: int | None) -> torch.Generator:
        if seed is not None:
            return torch.Generator(device).manual_seed(seed)
        if not stream:
            stream.append(torch.Generator(device).manual_seed(torch.initial_seed()))
        return stream[0]

    return generator
