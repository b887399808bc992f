"""Luma: its range, and that an image is converted once and forgotten with it."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from benchmark.metrics import luminance
from benchmark.metrics.luminance import luma
from tests.benchmark.fixture_types import ImagePair


def test_luma_has_the_range_of_its_color_space() -> None:
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
    assert (luma(black).item(), luma(black, "yiq").item()) == (16, 0)
    assert luma(white).item() == pytest.approx(235)
    assert luma(white, "yiq").item() == pytest.approx(255)


def test_a_read_only_image_is_converted_once_and_forgotten_with_it(photos: ImagePair) -> None:
    image = photos[0].copy()
    assert luma(image) is not luma(image), "whoever writes into an image gets its new luma"
    image.flags.writeable = False
    assert luma(image) is luma(image)
    before = len(luminance._lumas)
    del image
    gc.collect()
    assert len(luminance._lumas) == before - 1
