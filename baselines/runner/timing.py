"""What one timed run of a baseline does, for Table 2: its own code on one image, as a run of it does.

    python -m benchmark.complexity.timing --spec '{"title": .., "steps": .., "pipeline": "baselines.runner.timing:pipeline", ...}' ...

Options: ``baseline``, ``sources`` and ``weights`` (official, other or random), as of baselines.runner.run. Sources are
verified first, and nothing is fetched. Captions and tags are computed in every run.
"""

from __future__ import annotations

import atexit
import importlib
import itertools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from baselines.runner import descriptor as descriptors
from baselines.runner import sources as origin
from baselines.runner.run import environment
from baselines.runner.worker import image_seed, refuse_network, seed_all
from osediff.common.errors import InputError


def pipeline(
    size: int, batch: int, device: str, precision: str, includes: list[str], baseline: str, sources: str, weights: str
) -> tuple[Callable[[], np.ndarray], str]:
    """The baseline on a random LR image that becomes ``size`` pixels a side, and what that includes.

    ``precision`` and ``includes`` are those of the authors' code, whatever is asked for. InputError for a batch, and
    for sources that are not there or not the right ones.
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
    adapter = load(root, descriptors.settings(descriptor), device, cache)
    side = size // descriptor["scale_factor"]
    lr = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    names = (f"run-{n}" for n in itertools.count())  # never one that a caption is kept under

    def run() -> np.ndarray:
        name = next(names)
        seed = image_seed(baseline, 0, name)
        seed_all(seed)
        sr: np.ndarray = adapter(lr, name, seed)
        return sr

    return run, f"all that its code does for one image, in its own precision, {weights} weights; without files"
