"""Run official code: make a checkout importable, build its networks without memory, load their weights."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from osediff.common.errors import InputError
from osediff.common.tensor_files import read_pickled, unreadable

PREFIXES = ("module.", "_orig_mod.")  # of data-parallel training and of torch.compile
# Keys under which training frameworks save the weights; the last is of PiSA-SR.
WRAPPERS = ("state_dict", "params_ema", "params", "state_dict_unet")


class OnCPU(TorchFunctionMode):
    """Lets code that names CUDA run on the CPU."""

    def __torch_function__(
        self, function: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call ``function`` with the CPU in place of every CUDA device among its arguments."""
        if function is Tensor.cuda:
            return args[0]

        def move(value: Any) -> Any:
            return "cpu" if isinstance(value, str | torch.device) and str(value).startswith("cuda") else value

        return function(*map(move, args), **{name: move(value) for name, value in (kwargs or {}).items()})


def provide(name: str, **content: object) -> None:
    """Register a module for imports of a name that nothing installed has, or whose code restoring does not use."""
    module = ModuleType(name)
    vars(module).update(content)
    sys.modules.setdefault(name, module)


def provide_packages(checkout: Path, *names: str) -> None:
    """Register packages of ``checkout`` without running their ``__init__``, where that would import training code."""
    for name in names:
        provide(name, __path__=[str(checkout / Path(*name.split(".")))])


def import_file(name: str, path: Path) -> Any:
    """Import a file of a checkout as the module ``name``, where its own name is that of another module."""
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None or not path.is_file():
        raise ImportError(f"{path}: no such module")
    module = sys.modules[name] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def make_importable(checkout: Path) -> Path:
    """Put ``checkout`` in front of the import path of this process and return it.

    Raises:
        InputError: there is no such folder.
    """
    if not checkout.is_dir():
        raise InputError(
            f"{checkout}: no checkout; `snakemake --cores 1 baseline_sources` clones it there (docs/add-a-baseline.md)"
        )
    sys.dont_write_bytecode = True  # a checkout stays as it is
    sys.pycache_prefix = os.devnull  # and compiled files in it, which nobody verifies, are not read
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    return checkout


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the weights of a checkpoint, .safetensors or torch's own format, by name.

    Training frameworks store objects of their own beside the weights; none is executed. The weights stay on disk until
    they are used.

    Raises:
        InputError: the file is absent, or no checkpoint.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; `snakemake --cores 1 baseline_sources` brings it (docs/add-a-baseline.md)"
        )
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except Exception as error:
            raise unreadable(path, error) from error
    content = read_pickled(path, mapped=True, inert=True)
    for wrapper in WRAPPERS:
        content = content.get(wrapper, content) if isinstance(content, Mapping) else {}
    weights: dict[str, Tensor] = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not weights:
        raise InputError(f"{path}: holds no weights by name; get it anew")
    for prefix in PREFIXES:
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def build_on_meta(build: Callable[[], nn.Module]) -> Any:
    """Return the network that ``build`` makes; its parameters take no memory until ``load_weights``.

    Buffers are computed on the CPU, also where the default device is another one: some networks compute numbers with
    tensors while they are built.
    """
    register = nn.Module.register_parameter

    def register_on_meta(module: nn.Module, name: str, value: nn.Parameter | None) -> None:
        # A parameter that is on the meta device already is not replaced, so that what networks share stays shared;
        # accelerate's init_empty_weights makes a new one each time.
        if value is not None and not value.is_meta:
            value = nn.Parameter(value.to("meta"), requires_grad=value.requires_grad)
        register(module, name, value)

    with torch.device("cpu"), patch.object(nn.Module, "register_parameter", register_on_meta):
        return build()


def check_weights(given: Mapping[str, Tensor], needed: Mapping[str, Tensor], path: Path, prefix: str = "") -> None:
    """Compare the weights of a checkpoint with those of a network. Extra weights are ignored.

    Args:
        given: the weights of the checkpoint.
        needed: names and shapes of the network.
        path: the file of ``given``, for messages.
        prefix: beginning of the names in the file.

    Raises:
        InputError: a weight is missing, has another shape, or is not finite.
    """
    for name, value in needed.items():
        if name not in given or given[name].shape != value.shape:
            problem = "is not in it" if name not in given else f"has the shape {tuple(given[name].shape)}"
            raise InputError(f"{path}: {prefix}{name} {problem}; this is a checkpoint of another network, get it anew")
        if given[name].is_floating_point() and not given[name].isfinite().all():
            raise InputError(f"{path}: {prefix}{name} holds values that are not finite; get it anew")


def load_weights(
    network: nn.Module, weights: Mapping[str, Tensor], path: Path, prefix: str = "", buffers: bool = True
) -> nn.Module:
    """Load the weights whose names begin with ``prefix`` into ``network``, as float32, and set it to evaluation mode.

    Args:
        network: gets the weights, without ``prefix`` in their names. Extra weights are ignored.
        weights: content of a checkpoint.
        path: the file of ``weights``, for messages.
        prefix: beginning of the names.
        buffers: whether the checkpoint must hold all buffers; otherwise those that it lacks keep their computed values.

    Raises:
        InputError: a weight is missing, has another shape, or is not finite.
    """
    given = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    parameters = dict(network.named_parameters())
    needed = {
        name: value for name, value in network.state_dict().items() if buffers or name in parameters or name in given
    }
    check_weights(given, needed, path, prefix)
    network.load_state_dict({name: given[name] for name in needed}, assign=True, strict=buffers)
    return network.float().eval().requires_grad_(False)


def make_generators(device: str) -> Callable[[int | None], torch.Generator]:
    """Return the function that gives the generator of an image.

    For a seed it is a new generator. For None (official stream) it is the same one for every image, seeded as torch's
    global generator was.
    """
    stream: list[torch.Generator] = []

    def generator(seed: int | None) -> torch.Generator:
        if seed is not None:
            return torch.Generator(device).manual_seed(seed)
        if not stream:
            stream.append(torch.Generator(device).manual_seed(torch.initial_seed()))
        return stream[0]

    return generator
