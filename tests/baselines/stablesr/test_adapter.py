"""What StableSR's adapter does around the official networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.stablesr import adapter
from osediff.common.errors import InputError


def test_lr_images_are_upsampled_to_512_pixels_and_other_sizes_are_refused() -> None:
    lr = np.full((128, 128, 3), 255, np.uint8)
    assert torch.equal(adapter.to_input(lr, "a"), torch.ones(1, 3, 512, 512))
    with pytest.raises(InputError, match="a: 64x128, but this network restores 128x128 images"):
        adapter.to_input(lr[:, :64], "a")


def test_pixels_are_truncated() -> None:
    batch = torch.tensor([-1.5, 2 * 100.9 / 255 - 1, 1.5]).reshape(1, 3, 1, 1)
    assert adapter.from_output(batch).tolist() == [[[0, 100, 255]]]
