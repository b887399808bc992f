"""What PASD's adapter does around the official pipeline."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from baselines.pasd import adapter


@pytest.mark.parametrize(
    ("size", "expected"), [((128, 128), (512, 512)), ((100, 150), (512, 768)), ((131, 141), (520, 560))]
)
def test_the_short_side_is_at_least_the_process_size_and_sides_are_multiples_of_8(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert adapter.upsample(Image.new("RGB", size), 512).size == expected


def test_an_image_of_128_pixels_is_upsampled_by_bicubic_interpolation_alone() -> None:
    lr = Image.fromarray(np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8))
    expected = lr.resize((512, 512), Image.Resampling.BICUBIC)
    assert np.array_equal(np.asarray(adapter.upsample(lr, 512)), np.asarray(expected))
