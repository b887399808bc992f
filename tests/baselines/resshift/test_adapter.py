"""What ResShift's adapter does around the official sampler."""

from __future__ import annotations

import numpy as np
import torch

from baselines.resshift import adapter


def test_pixels_are_between_minus_one_and_one_in_the_network_and_rounded_after_it() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    batch = adapter.to_input(pixels, "cpu")
    assert (batch.min().item(), batch.max().item()) == (-1, 1)
    assert np.array_equal(adapter.from_output(batch), pixels)
    between = torch.tensor([-1.5, (100.6 / 255 - 0.5) / 0.5, 1.5]).reshape(1, 3, 1, 1)
    assert adapter.from_output(between).tolist() == [[[0, 101, 255]]]
