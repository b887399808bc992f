"""The size to which TSD-SR enlarges an LR image."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.tsdsr.adapter import find_size


@pytest.mark.parametrize(
    ("size", "expected"), [((128, 128), (512, 512)), ((100, 150), (512, 768)), ((131, 141), (520, 560))]
)
def test_the_short_side_is_at_least_the_process_size_and_sides_are_multiples_of_8(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert find_size(np.zeros((*size, 3), np.uint8), 512) == expected
