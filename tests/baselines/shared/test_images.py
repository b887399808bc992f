"""Pixels survive the way to a batch and back, and are clipped and rounded."""

from __future__ import annotations

import numpy as np
import torch

from baselines.shared.images import to_batch, to_image


def test_every_pixel_value_survives() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    batch = to_batch(pixels, "cpu")
    assert batch.shape == (1, 3, 16, 16) and (batch.min().item(), batch.max().item()) == (0, 1)
    assert np.array_equal(to_image(batch), pixels)


def test_values_are_clipped_and_rounded() -> None:
    batch = torch.tensor([-0.5, 100.6 / 255, 1.5]).reshape(1, 3, 1, 1)
    assert to_image(batch).tolist() == [[[0, 101, 255]]]
