"""FeMaSR's adapter gives the pixels of the official code, whose padding decides them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from baselines.femasr import adapter
from baselines.runner.descriptor import read_descriptor
from benchmark.complexity.flops import count_modules

OUTPUT = 0.04  # scale of the random weights of the last layer
OPTIONS = adapter.Options.model_validate(read_descriptor("femasr").values)


def reference_weights(shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    """Random weights from a generator whose stream NumPy never changes, scaled by the number of inputs."""
    generator = np.random.RandomState(0)
    weights = {}
    for key, shape in sorted(shapes.items()):
        values = generator.standard_normal(shape) / max(1, int(np.prod(shape[1:]))) ** 0.5
        if len(shape) == 1:  # of a normalization, or a bias
            values = 0.1 * values + key.endswith("weight")
        weights[key] = torch.from_numpy(values.astype(np.float32))
    weights["out_conv.weight"] *= OUTPUT
    weights["out_conv.bias"] += 0.5  # so that few pixels are clipped
    return weights


def test_the_pixels_are_those_of_the_official_code(tmp_path: Path, reference: Any) -> None:
    # The official file has the buffers too, which the weights do not decide, and keys that inference ignores.
    extra = {**dict(adapter.build_network().named_buffers()), "conv_semantic.0.weight": torch.zeros(4, 4, 1, 1)}
    (tmp_path / "weights").mkdir()
    content = {"params": reference_weights(reference["shapes"]) | extra}
    torch.save(content, tmp_path / "weights" / OPTIONS.checkpoint)
    restore = adapter.load(tmp_path, OPTIONS, "cpu", tmp_path)
    for size in ("16x32", "20x12"):
        height, width = map(int, size.split("x"))
        sr = restore(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8), "a", 0)
        assert sr.shape == (4 * height, 4 * width, 3)
        official = np.array(reference["pixels"][size])
        assert official.std() > 20
        assert np.abs(sr[::7, ::7].astype(int) - official).max() <= 1


def test_an_image_is_padded_by_its_mirror_image_even_where_it_fits() -> None:
    for height, width in ((16, 32), (20, 12), (31, 47)):
        image = torch.rand(1, 3, height, width)
        below, right = 16 - height % 16, 16 - width % 16
        expected = np.pad(image.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="symmetric")
        assert np.array_equal(adapter.pad(image).numpy(), expected)


def test_the_profiled_network_is_the_official_one_on_the_padded_image(tmp_path: Path) -> None:
    (count,) = count_modules(list(adapter.profiled_modules(tmp_path, OPTIONS, 128)))
    assert count.parameters / 1e6 == pytest.approx(34.06, abs=0.005)
    assert (count.macs + count.attention_macs) / 1e9 == pytest.approx(485, rel=0.01)
