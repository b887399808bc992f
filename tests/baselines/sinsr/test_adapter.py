"""What SinSR's adapter asks of ResShift's: its own checkout, one step, and an image from the sampler."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.sinsr import adapter

MakeOptions = Callable[[bool], adapter.Options]


@pytest.mark.parametrize("one_step", [True, False])
def test_the_sampler_is_told_the_steps_and_to_decode(
    sources: Path, calls: list[dict[str, Any]], make_options: MakeOptions, one_step: bool
) -> None:
    restore = adapter.load(sources, make_options(one_step), "cpu", sources / "cache")
    sr = restore(np.zeros((64, 70, 3), np.uint8), "a", None)
    assert sr.shape == (256, 280, 3)
    assert [(call["one_step"], call["apply_decoder"]) for call in calls] == [(one_step, True)]


@pytest.mark.parametrize(("one_step", "steps"), [(True, 1), (False, 15)])
def test_the_unet_is_counted_once_for_each_step(
    sources: Path, make_options: MakeOptions, one_step: bool, steps: int
) -> None:
    networks = list(adapter.profiled_modules(sources, make_options(one_step), 64))
    assert [(network.name, network.calls) for network in networks] == [
        ("UNet", steps),
        ("VQ encoder", 1),
        ("VQ decoder", 1),
    ]


def test_the_checkpoints_have_the_names_of_the_options(sources: Path, make_options: MakeOptions) -> None:
    contents = adapter.layout(sources, make_options(True))
    assert {path: len(weights) for path, weights in contents.items()} == {"unet.safetensors": 2, "vq.safetensors": 10}
