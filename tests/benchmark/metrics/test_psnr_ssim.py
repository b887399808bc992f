"""PSNR and SSIM against pyiqa and closed forms. The official log is in test_build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.metrics.psnr_ssim import psnr, ssim
from tests.benchmark.fixture_types import ImagePair


@pytest.mark.slow
@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize("options", [{"color_space": "ycbcr"}, {"color_space": "ycbcr", "crop_border": 4}])
def test_both_equal_pyiqa(photos: ImagePair, metric: Callable[..., float], options: dict[str, Any]) -> None:
    pyiqa = pytest.importorskip("pyiqa")
    theirs = pyiqa.create_metric(metric.__name__, test_y_channel=True, device=torch.device("cpu"), **options)
    sr, hr = (torch.tensor(image).permute(2, 0, 1)[None] / 255 for image in photos)
    assert metric(*photos, **options) == pytest.approx(float(theirs(sr, hr)), abs=1e-5)


def test_equal_images_are_perfect(photos: ImagePair) -> None:
    _, hr = photos
    assert psnr(hr, hr) == pytest.approx(80)
    assert ssim(hr, hr) == pytest.approx(1)


def test_one_gray_level_of_difference_is_its_share_of_the_limited_range() -> None:
    """A gray step of 1 is 219/255 of luma, so the PSNR of full-range gray is 20 log10(255 / (219/255))."""
    hr = np.full((16, 16, 3), 100, np.uint8)
    assert psnr(hr + 1, hr, "yiq") == pytest.approx(20 * np.log10(255), abs=0.01)
    assert psnr(hr + 1, hr) == pytest.approx(20 * np.log10(255 * 255 / 219), abs=0.01)
