"""The networks of a baseline for counting, and one run of its code for timing (Table 2).

These are entry points of benchmark.complexity: planning names them in the specs of ``flops`` and ``timing``, which run
in the environment of the baseline. The sources are verified first, and nothing is fetched.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import numpy as np

from baselines.runner.adapters import import_adapter
from baselines.runner.checkouts import verify_checkout
from baselines.runner.descriptor import Weights, read_descriptor
from baselines.runner.run import baseline_environment
from baselines.runner.sources import verify_weights
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
    """Count the parameters of ``network`` whose names contain one of ``words``: those that the official code trains."""
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
        InputError: the checkout is absent or wrong, or the adapter has no function ``profiled_modules``.
    """
    descriptor, root = read_descriptor(baseline), Path(sources)
    verify_checkout(descriptor.source, root)
    adapter = import_adapter(baseline, descriptor.runs.entry, descriptor.values)
    return adapter.profiled_modules(root, size // descriptor.scale_factor)


def baseline_run(
    size: int, batch: int, device: str, protocol: object, baseline: str, sources: str, weights: Weights
) -> tuple[Callable[[], np.ndarray], str]:
    """Return a function that restores one random LR image by the official code, and the steps that a run includes.

    Args:
        size: side of the SR image in pixels.
        batch: must be 1, since the official code takes one image at a time.
        device: cpu or cuda.
        protocol: not used. The official code decides its precision, and all that it does is timed, also captions
            and tags.
        baseline: its name.
        sources: folder of checkouts and weights.
        weights: as in baselines.runner.run.

    Raises:
        InputError: ``batch`` is not 1, or the sources are absent or wrong.
    """
    if batch != 1:
        raise InputError(f"{baseline}: a batch of {batch} images; its code takes one at a time")
    descriptor, root = read_descriptor(baseline), Path(sources)
    verify_checkout(descriptor.source, root)
    verify_weights(descriptor.artifacts, root, weights)
    os.environ.update(baseline_environment())
    sys.addaudithook(refuse_network)
    cache = Path(mkdtemp())
    atexit.register(shutil.rmtree, cache)
    restore = import_adapter(baseline, descriptor.runs.entry, descriptor.values).load(root, device, cache)
    side = size // descriptor.scale_factor
    lr = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    names = (f"run-{n}" for n in itertools.count())  # a new name for each run, so that no stored caption is used

    def run() -> np.ndarray:
        name = next(names)
        seed = image_seed(baseline, 0, name)
        seed_all(seed)
        return restore(lr, name, seed)

    return run, f"all that its code does for one image, in its own precision, {weights} weights; without files"
