"""What ResShift's adapter does around the official sampler."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.resshift import adapter
from osediff.common.errors import InputError


def test_images_are_reflected_to_multiples_of_64() -> None:
    lr = torch.arange(70.0)[None, None, None].repeat(1, 3, 128, 1)
    padded = adapter.pad(lr)
    assert padded.shape == (1, 3, 128, 128)
    assert padded[0, 0, 0, 68:73].tolist() == [68.0, 69.0, 68.0, 67.0, 66.0]
    assert adapter.pad(lr[..., :64]).shape == (1, 3, 128, 64)
    with pytest.raises(InputError, match="an LR image of 32x128: this method needs sides of more than 32 pixels"):
        adapter.pad(lr[..., :32])


def test_pixels_are_between_minus_one_and_one_in_the_network_and_rounded_after_it() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    batch = adapter.to_input(pixels, "cpu")
    assert (batch.min().item(), batch.max().item()) == (-1, 1)
    assert np.array_equal(adapter.from_output(batch), pixels)
    between = torch.tensor([-1.5, (100.6 / 255 - 0.5) / 0.5, 1.5]).reshape(1, 3, 1, 1)
    assert adapter.from_output(between).tolist() == [[[0, 101, 255]]]
