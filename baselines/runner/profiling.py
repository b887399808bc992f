"""A baseline's networks for counting, and one run of its code for timing (Table 2).

Entry points of benchmark.complexity: planning names them in the specs of ``flops`` and ``timing``, which run in the
baseline's environment. Sources are verified first, and nothing is fetched.
"""

from __future__ import annotations

import atexit
import importlib
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.runner import descriptor as descriptors
from baselines.runner import sources as origin
from baselines.runner.run import environment
from baselines.runner.worker import image_seed, refuse_network, seed_all
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def meta(*shape: int, dtype: torch.dtype | None = None) -> Tensor:
    """Return a tensor without values; float32 if ``dtype`` is None."""
    import torch

    return torch.empty(shape, device="meta", dtype=dtype or torch.float32)


def count_trainable(network: nn.Module, words: Iterable[str] = ("",)) -> int:
    """Count the parameters of ``network`` that its authors train: those whose names have one of ``words``."""
    return sum(
        parameter.numel() for name, parameter in network.named_parameters() if any(word in name for word in words)
    )


def baseline_modules(size: int, baseline: str, sources: str) -> list[ProfiledModule]:
    """Return the networks of a baseline on the meta device.

    Args:
        size: side of the SR image in pixels.
        baseline: its name.
        sources: folder of checkouts.

    Raises:
        InputError: the checkout is absent or another one, or the adapter names no networks.
    """
    descriptor, root = descriptors.read(baseline), Path(sources)
    origin.verify_checkout(descriptor, root)
    adapter = importlib.import_module(descriptor["runs"]["entry"].split(":")[0])
    if not hasattr(adapter, "profiled_modules"):
        raise InputError(f"{descriptor['title']}: its adapter names no networks to count (profiled_modules)")
    lr_size = size // descriptor["scale_factor"]
    modules: list[ProfiledModule] = list(adapter.profiled_modules(root, descriptors.settings(descriptor), lr_size))
    return modules


def baseline_run(
    size: int, batch: int, device: str, protocol: Any, baseline: str, sources: str, weights: str
) -> tuple[Callable[[], np.ndarray], str]:
    """Return a function that restores one random LR image by the authors' code, and what a run includes.

    Args:
        size: side of the SR image in pixels.
        batch: must be 1, since the authors' code takes one image at a time.
        device: cpu or cuda.
        protocol: not used: the authors' code has its own precision, and all that it does is timed, captions and tags too.
        baseline: its name.
        sources: folder of checkouts and weights.
        weights: official, other or random, as of baselines.runner.run.

    Raises:
        InputError: a batch, or sources that are absent or others.
    """
    if batch != 1:
        raise InputError(f"{baseline}: a batch of {batch} images; its code takes one at a time")
    descriptor = descriptors.read(baseline)
    root = Path(sources)
    origin.verify_checkout(descriptor, root)
    origin.verify_weights(descriptor, root, weights)
    os.environ.update(environment())
    sys.addaudithook(refuse_network)
    module, function = descriptor["runs"]["entry"].split(":")
    cache = Path(mkdtemp())
    atexit.register(shutil.rmtree, cache)
    load = getattr(importlib.import_module(module), function)
    restore = load(root, descriptors.settings(descriptor), device, cache)
    side = size // descriptor["scale_factor"]
    lr = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    names = (f"run-{n}" for n in itertools.count())  # never one that a caption is stored under

    def run() -> np.ndarray:
        name = next(names)
        seed = image_seed(baseline, 0, name)
        seed_all(seed)
        sr: np.ndarray = restore(lr, name, seed)
        return sr

    return run, f"all that its code does for one image, in its own precision, {weights} weights; without files"
