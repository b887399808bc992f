"""What CTMSR's adapter does around the official network."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.ctmsr import adapter
from osediff.common.errors import InputError


@pytest.mark.parametrize(
    ("size", "calls"),
    [
        ((64, 128), [((1, 3, 256, 512), 0.5, (1, 3, 64, 128))]),
        ((100, 70), [((1, 3, 512, 512), 0.5, (1, 3, 128, 128))]),
        ((190, 64), [((1, 3, 384, 256), 0.5, (1, 3, 96, 64))] * 2),
    ],
)
def test_images_of_any_size_are_reflected_and_large_ones_restored_in_tiles(
    sources: Path, options: adapter.Options, size: tuple[int, int], calls: list[object]
) -> None:
    restore = adapter.load(sources, options, "cpu", sources / "cache")
    lr = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    sr = restore(lr, "a", 7)
    assert importlib.import_module("basicsr.archs.edm_unet_arch").calls == calls
    # The network of the test repeats pixels, so an error in the order of values, padding or cutting would be seen.
    assert np.array_equal(sr, lr.repeat(4, axis=0).repeat(4, axis=1))


def test_the_checkpoint_wraps_its_weights_as_the_official_one(sources: Path, options: adapter.Options) -> None:
    (weights,) = (content["params_ema"] for content in adapter.layout(sources, options).values())
    assert isinstance(weights, Mapping) and list(weights) == ["gain"]


def test_a_checkpoint_of_another_network_is_one_line(sources: Path, options: adapter.Options) -> None:
    torch.save({"params_ema": {"gain": torch.ones(2)}}, sources / "weights" / "weights.pth")
    with pytest.raises(InputError, match=r"weights.pth: gain has the shape \(2,\); this is a checkpoint of another"):
        adapter.load(sources, options, "cpu", sources / "cache")


def test_the_network_is_counted_for_the_reflected_image(sources: Path, options: adapter.Options) -> None:
    (network,) = adapter.profiled_modules(sources, options, 100)
    noisy, _, lr = network.arguments
    assert (tuple(noisy.shape), tuple(lr.shape), network.trainable) == ((1, 3, 512, 512), (1, 3, 128, 128), 1)
