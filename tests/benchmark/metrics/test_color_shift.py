"""Color shift: closed forms, conversion against scikit-image, and what it sees of known faults."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr
from skimage.color import lab2rgb, rgb2lab

from benchmark.metrics.color_shift import color_shift, to_lab
from tests.benchmark.fixture_types import ImagePair


def upsample(lr: np.ndarray, factor: int = 4) -> np.ndarray:
    """Upsample by bicubic interpolation, which keeps colors."""
    height, width = lr.shape[:2]
    return np.asarray(Image.fromarray(lr).resize((width * factor, height * factor), Image.Resampling.BICUBIC))


def test_lab_is_that_of_scikit_image() -> None:
    rgb = np.random.default_rng(0).random((32, 32, 3))
    assert np.abs(to_lab(rgb) - rgb2lab(rgb)).max() < 0.01


@pytest.mark.parametrize("shift", [(6, 0, 0), (0, 8, 0), (0, 0, -10), (2, -3, 6)])
def test_a_constant_shift_has_its_length_in_lab(shift: tuple[int, int, int]) -> None:
    """Flat images, so that only the rounding to 8 bits stands between the two."""
    lab = np.full((16, 24, 3), (55.0, 12.0, -7.0))
    lr, moved = (np.rint(lab2rgb(colors) * 255).astype(np.uint8) for colors in (lab, lab + shift))
    assert color_shift(upsample(moved), lr) == pytest.approx(np.linalg.norm(shift), abs=0.5)
    exact = np.linalg.norm(rgb2lab(moved[:1, :1] / 255) - rgb2lab(lr[:1, :1] / 255))
    assert color_shift(upsample(moved), lr) == pytest.approx(exact, abs=0.02)


def test_detail_noise_and_upsampling_are_no_shift(photos: ImagePair) -> None:
    lr = photos[1][::4, ::4].copy()
    assert color_shift(lr, lr) == 0
    assert color_shift(upsample(lr), lr) < 0.1
    noise = np.random.default_rng(1).normal(0, 12, (256, 256, 3))
    noisy = np.clip(upsample(lr) + noise, 0, 255).round().astype(np.uint8)
    assert color_shift(noisy, lr) < 0.5


def test_it_grows_with_the_strength_of_a_fault(photos: ImagePair) -> None:
    """A cast of the whole image, and one of a part of it, which a mean over channels would not see."""
    lr = photos[1][::4, ::4].copy()
    whole, half = np.ones((256, 1, 1)), np.sign(np.arange(256) - 127.5)[:, None, None]
    strengths = [1, 2, 4, 8, 16]
    for pattern in (whole, half):
        cast = pattern * np.array([1.0, 0, -1])
        faulty = [np.clip(upsample(lr) + s * cast, 0, 255).round().astype(np.uint8) for s in strengths]
        values = [color_shift(image, lr) for image in faulty]
        assert spearmanr(strengths, values).statistic == pytest.approx(1)
        assert values[-1] > 5
