"""The size at which the networks see an image."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from osediff.data.upsampling import upsample, upsample_officially


@pytest.mark.parametrize(
    ("size", "process_size", "expected"),
    [((10, 20), 32, (40, 80)), ((10, 20), 512, (512, 1024)), ((3, 7), 32, (32, 75)), ((128, 128), 512, (512, 512))],
)
def test_an_image_reaches_four_times_its_size_and_at_least_the_process_size(
    size: tuple[int, int], process_size: int, expected: tuple[int, int]
) -> None:
    lr = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    large = upsample(lr, 4, process_size)
    assert large.shape == (*expected, 3) and large.dtype == np.uint8
    bicubic = Image.fromarray(lr).resize(expected[::-1], Image.Resampling.BICUBIC)
    assert np.array_equal(large, np.asarray(bicubic)), "PIL's default is what the official code uses"


@pytest.mark.parametrize(
    ("size", "process_size", "first", "expected"),
    [
        ((128, 128), 512, None, (512, 512)),
        ((129, 130), 512, None, (512, 520)),  # 516 is brought down to 512
        ((100, 151), 512, (128, 193), (512, 768)),  # 1.28 * 151 = 193.28; 4 * 193 = 772 comes down to 768
    ],
)
def test_the_official_way_upsamples_small_images_twice_and_ends_at_multiples_of_8(
    size: tuple[int, int], process_size: int, first: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    lr = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    image = Image.fromarray(lr)
    for height, width in ([first] if first else []) + [tuple(4 * side for side in first or size)]:
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    if (image.height, image.width) != expected:
        image = image.resize(expected[::-1], Image.Resampling.LANCZOS)
    assert np.array_equal(upsample_officially(lr, 4, process_size), np.asarray(image))
