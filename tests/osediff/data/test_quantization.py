"""From the network's output to 8 bits, on numbers that can be followed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from osediff.data.quantization import correct_and_round, correct_officially, truncate

# Two columns of one color each: deviation and mean of a channel are simple.
LEFT, RIGHT = 0.25, 0.75


def columns(left: float, right: float) -> Tensor:
    """An image (3, 2, 2) in [-1, 1] with two columns of these levels in [0, 1]."""
    return (torch.tensor([left, right]).expand(3, 2, 2) * 2 - 1).contiguous()


def levels(image: np.ndarray) -> list[int]:
    """The levels of the two columns; every row and channel has the same."""
    (row,) = np.unique(image.reshape(2, 2, 3).transpose(0, 2, 1).reshape(-1, 2), axis=0)
    return [int(level) for level in row]


def reference(left: int, right: int) -> np.ndarray:
    """An enlarged LR image with two columns of these levels."""
    return np.repeat(np.array([[left, right]], np.uint8), 2, axis=0)[..., None].repeat(3, axis=2)


def test_without_color_correction_the_fraction_is_cut_off_once() -> None:
    """0.25 * 255 = 63.75 and 0.75 * 255 = 191.25."""
    image = columns(LEFT, RIGHT)
    assert levels(correct_and_round(image, reference(0, 255), "none")) == [64, 191]
    assert levels(correct_officially(image, reference(0, 255), "none")) == [63, 191]


@pytest.mark.parametrize(
    ("low", "high", "expected_rounded", "expected_official"),
    [(100, 150, [100, 150], [99, 150]), (10, 31, [10, 31], [9, 31]), (0, 255, [0, 255], [0, 254])],
)
def test_adain_of_two_columns(low: int, high: int, expected_rounded: list[int], expected_official: list[int]) -> None:
    """Two values of equal number become mean - d and mean + d, whatever they were.

    With n = 4 pixels of levels m - h and m + h, the variance is 4 h^2 / 3. The official form adds 1e-5 (in [0, 1]) to
    both variances, so that the image's h becomes ``h_image * sqrt((v_reference + 1e-5) / (v_image + 1e-5))``.
    """
    image = columns(LEFT, RIGHT)
    assert levels(correct_and_round(image, reference(low, high), "adain")) == expected_rounded
    half_image = (191 - 63) / 2 / 255  # after the first cut
    half, middle = (high - low) / 2 / 255, (high + low) / 2 / 255
    ratio = ((4 * half**2 / 3 + 1e-5) / (4 * half_image**2 / 3 + 1e-5)) ** 0.5
    by_hand = [int((middle + sign * half_image * ratio) * 255) for sign in (-1, 1)]
    assert levels(correct_officially(image, reference(low, high), "adain")) == by_hand == expected_official


def test_the_first_cut_is_made_in_the_networks_precision() -> None:
    """0.9999 is 1 in float16 before it is multiplied: the halves lie 2^-11 apart below 1."""
    assert truncate(torch.tensor([0.9999])).tolist() == [254]
    assert truncate(torch.tensor([0.9999], dtype=torch.float16)).tolist() == [255]


def test_values_beyond_the_range_are_clamped_after_the_correction() -> None:
    """The image's detail, about 127 levels up, on a bright reference; as a byte it would be a dark level."""
    assert levels(correct_officially(columns(0.0, 1.0), reference(200, 255), "wavelet"))[1] == 255
