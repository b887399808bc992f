"""What SeeSR's adapter does around the official pipeline."""

from __future__ import annotations

import pytest
from PIL import Image

from baselines.seesr import adapter


@pytest.mark.parametrize(
    ("size", "expected"), [((128, 128), (512, 512)), ((100, 150), (512, 768)), ((131, 141), (520, 560))]
)
def test_the_short_side_is_at_least_the_process_size_and_sides_are_multiples_of_8(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert adapter.upsample(Image.new("RGB", size), 512).size == expected
