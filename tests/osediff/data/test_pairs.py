"""Training pairs: fixed by seed and number, and pixels that survive the way to a tensor and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from osediff.common.errors import InputError
from osediff.common.images import read_rgb
from osediff.data import pairs as pairs_module
from osediff.data.pairs import TrainingPairs, as_image, as_tensor
from tests.osediff.tiny import RECIPE, edit


def test_pixels_survive_the_way_to_a_tensor_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(as_image(as_tensor(levels)), levels)


def test_a_pair_depends_on_seed_and_number_alone(photos: Path) -> None:
    pairs, others = TrainingPairs(photos, RECIPE, 3, 100), TrainingPairs(photos, RECIPE, 4, 100)
    lq, hq = pairs[7]
    assert lq.shape == hq.shape == (3, 32, 32) and lq.min() >= -1 and hq.max() <= 1
    again = TrainingPairs(photos, RECIPE, 3, 9)[7]
    assert torch.equal(again[0], lq) and torch.equal(again[1], hq)
    assert not torch.equal(pairs[8][0], lq) and not torch.equal(others[7][0], lq)


def test_hq_is_a_crop_of_the_named_photograph_or_its_mirror_image(photos: Path) -> None:
    pairs = TrainingPairs(photos, RECIPE, 0, 100)
    for n in range(6):
        photo, hq = read_rgb(photos / f"{pairs.photo(n)}.png"), as_image(pairs[n][1])
        windows = np.lib.stride_tricks.sliding_window_view(photo, (32, 32, 3)).reshape(-1, 32, 32, 3)
        assert any(np.array_equal(hq, window) or np.array_equal(hq[:, ::-1], window) for window in windows)


def test_photographs_beyond_the_cache_are_decoded_again(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [TrainingPairs(photos, RECIPE, 0, 9)[n][0] for n in range(9)]
    monkeypatch.setattr(pairs_module, "CACHE_BYTES", 0)
    uncached = TrainingPairs(photos, RECIPE, 0, 9)
    assert all(torch.equal(uncached[n][0], lq) for n, lq in enumerate(expected)) and not uncached.cache


def test_a_photograph_smaller_than_the_crop_is_named(photos: Path) -> None:
    with pytest.raises(InputError, match=r"photo0\.png: 40x48 is smaller than the training crop of 64 pixels"):
        TrainingPairs(photos, edit({"crop": 64}), 0, 1)
