"""Pixels survive the way to a batch and back, and are clipped and rounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.shared.images import enlarge, reflect, to_batch, to_image
from osediff.common.errors import InputError


def test_every_pixel_value_survives() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    batch = to_batch(pixels, "cpu")
    assert batch.shape == (1, 3, 16, 16) and (batch.min().item(), batch.max().item()) == (0, 1)
    assert np.array_equal(to_image(batch), pixels)


def test_values_are_clipped_and_rounded() -> None:
    batch = torch.tensor([-0.5, 100.6 / 255, 1.5]).reshape(1, 3, 1, 1)
    assert to_image(batch).tolist() == [[[0, 101, 255]]]


@pytest.mark.parametrize(
    ("size", "expected"), [((128, 128), (512, 512)), ((100, 150), (512, 768)), ((131, 141), (520, 560))]
)
def test_the_short_side_is_at_least_the_process_size_and_sides_are_multiples_of_8(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert enlarge(Image.new("RGB", size), 512).size == expected


def test_sides_that_are_no_multiples_of_8_are_made_smaller_by_the_filter_of_the_official_script() -> None:
    lr = Image.fromarray(np.random.default_rng(0).integers(0, 256, (33, 33, 3), np.uint8))
    large = lr.resize((132, 132))
    for last in (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS):
        assert np.array_equal(np.asarray(enlarge(lr, 64, last)), np.asarray(large.resize((128, 128), last)))


def test_images_are_reflected_to_multiples_of_64() -> None:
    lr = torch.arange(70.0)[None, None, None].repeat(1, 3, 128, 1)
    padded = reflect(lr, 64)
    assert padded.shape == (1, 3, 128, 128)
    assert padded[0, 0, 0, 68:73].tolist() == [68.0, 69.0, 68.0, 67.0, 66.0]
    assert reflect(lr[..., :64], 64).shape == (1, 3, 128, 64)
    with pytest.raises(InputError, match="an LR image of 32x128: this method needs sides of more than 32 pixels"):
        reflect(lr[..., :32], 64)
