"""Seams: grids of known period and amplitude, texture that hides them, and pictures that have none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import foldnorm, norm, spearmanr

from benchmark.metrics.seams import seams
from tests.benchmark.fixture_types import ImagePair


def as_image(gray: np.ndarray) -> np.ndarray:
    """Make a gray image of three equal channels, uint8 (H, W, 3)."""
    return np.repeat(np.clip(gray, 0, 255).round().astype(np.uint8)[..., None], 3, axis=2)


def tiles(side: int, period: int, offset: int = 0) -> np.ndarray:
    """Make a chessboard of tiles, -0.5 and 0.5, (side, side)."""
    place = (np.arange(side) + offset) // period
    return (place[:, None] + place) % 2 - 0.5


def value(gray: np.ndarray) -> float:
    """Measure a gray image."""
    return seams(as_image(gray), as_image(gray))


@pytest.mark.parametrize(("period", "offset"), [(8, 0), (16, 5), (24, 23), (48, 7)])
@pytest.mark.parametrize("amplitude", [2, 10])
def test_a_grid_on_a_flat_image_has_its_amplitude(period: int, offset: int, amplitude: int) -> None:
    assert value(128 + amplitude * tiles(256, period, offset)) == pytest.approx(amplitude, abs=0.01)


def test_a_grid_on_texture_has_what_texture_leaves_of_it() -> None:
    """Differences of noise are normal, so a step moves the middle of their absolute values as a folded normal says."""
    rng, deviation, amplitude = np.random.default_rng(0), 3.0, 12
    texture = rng.normal(128, deviation, (512, 512))
    of_step = foldnorm(amplitude / (deviation * 2**0.5), scale=deviation * 2**0.5).median()
    without = norm.ppf(0.75) * deviation * 2**0.5
    assert value(texture + amplitude * tiles(512, 64)) == pytest.approx(of_step - without, rel=0.15)
    assert value(texture) < 0.3


def test_pictures_without_a_grid_have_next_to_none(photos: ImagePair) -> None:
    """One long edge is no grid, and neither are two; waves without lines are none."""
    assert value(np.full((128, 128), 90.0)) == 0
    edge = np.where(np.arange(256) < 100, 60.0, 180.0) * np.ones((256, 1))
    assert value(edge) == 0
    edge[:, 180:] = 20
    assert value(edge) == 0
    assert seams(photos[1], photos[1]) < 1


def test_it_grows_with_the_strength_of_a_grid(photos: ImagePair) -> None:
    strengths = [8, 16, 32, 64]  # the picture has noise, in which weaker ones are lost
    gray = photos[1].mean(axis=2) * 0.7 + 30
    values = [value(gray + strength * tiles(256, 32, 3)) for strength in strengths]
    assert spearmanr(strengths, values).statistic == pytest.approx(1)
    assert values[-1] > 10
