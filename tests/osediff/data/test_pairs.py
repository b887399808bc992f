"""Training pairs: fixed by seed and number, and pixels that survive the way to a tensor and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from osediff.common.errors import InputError
from osediff.common.images import read_rgb
from osediff.data import pairs as pairs_module
from osediff.data.degradation import resize
from osediff.data.pairs import TrainingPairs
from osediff.data.photo_list import scan
from osediff.data.tensors import as_image, as_tensor
from tests.osediff.tiny import RECIPE, edit


def test_pixels_survive_the_way_to_a_tensor_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(as_image(as_tensor(levels)), levels)


def test_a_pair_depends_on_seed_and_number_alone(photos: Path) -> None:
    pairs, others = TrainingPairs(scan(photos), RECIPE, 3, 100), TrainingPairs(scan(photos), RECIPE, 4, 100)
    lq, hq = pairs[7]
    assert lq.shape == hq.shape == (3, 32, 32) and lq.min() >= -1 and hq.max() <= 1
    again = TrainingPairs(scan(photos), RECIPE, 3, 9)[7]
    assert torch.equal(again[0], lq) and torch.equal(again[1], hq)
    assert not torch.equal(pairs[8][0], lq) and not torch.equal(others[7][0], lq)


def test_hq_is_a_crop_of_the_named_photograph_or_its_mirror_image(photos: Path) -> None:
    pairs = TrainingPairs(scan(photos), RECIPE, 0, 100)
    for n in range(6):
        photo, hq = read_rgb(photos / f"{pairs.photo(n)}.png"), as_image(pairs[n][1])
        windows = np.lib.stride_tricks.sliding_window_view(photo, (32, 32, 3)).reshape(-1, 32, 32, 3)
        assert any(np.array_equal(hq, window) or np.array_equal(hq[:, ::-1], window) for window in windows)


def test_photographs_beyond_the_cache_are_decoded_again(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [TrainingPairs(scan(photos), RECIPE, 0, 9)[n][0] for n in range(9)]
    monkeypatch.setattr(pairs_module, "CACHE_BYTES", 0)
    uncached = TrainingPairs(scan(photos), RECIPE, 0, 9)
    assert all(torch.equal(uncached[n][0], lq) for n, lq in enumerate(expected)) and not uncached.cache


def test_a_photograph_smaller_than_the_crop_is_named(photos: Path) -> None:
    message = r"photo0\.png: 40x48 is smaller than the training crop of 64 pixels \(and 2 more\)"
    with pytest.raises(InputError, match=message):
        TrainingPairs(scan(photos), edit({"crop": 64}), 0, 1)


def test_each_epoch_has_every_photograph_once_in_another_order(photos: Path) -> None:
    listed = scan(photos)
    pairs = TrainingPairs(listed, edit({"sampling": "epochs"}), 0, 100)
    epochs = [[pairs.photo(n) for n in range(start, start + 3)] for start in range(0, 30, 3)]
    assert all(sorted(epoch) == ["photo0", "photo1", "photo2"] for epoch in epochs)
    assert len(set(map(tuple, epochs))) > 2
    assert pairs.photo(4) == epochs[1][1], "whatever was asked for before"
    others = TrainingPairs(listed, edit({"sampling": "epochs"}), 1, 100)
    assert [others.photo(n) for n in range(30)] != [pairs.photo(n) for n in range(30)]


def test_the_crops_of_an_epoch_are_those_of_their_photographs(photos: Path) -> None:
    one = TrainingPairs(scan(photos), RECIPE, 0, 100)
    other = TrainingPairs(scan(photos), edit({"sampling": "epochs"}), 0, 100)
    same = [n for n in range(30) if one.photo(n) == other.photo(n)]
    assert same and all(torch.equal(one[n][1], other[n][1]) for n in same), "only the photographs are chosen otherwise"


def test_a_gray_photograph_is_cut_in_three_equal_channels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "gray.png")
    hq = as_image(TrainingPairs(scan(tmp_path), RECIPE, 0, 9)[0][1])
    assert np.array_equal(hq[..., 0], hq[..., 1]) and np.array_equal(hq[..., 0], hq[..., 2])


def test_both_images_of_a_pair_are_cut_at_one_place(paired_photos: Path) -> None:
    """The HR pixel at (y, x) has the levels (y, x, number), and the LR image is every fourth pixel of the HR image."""
    recipe = edit({"degradation": None, "crop": 16})
    pairs = TrainingPairs(scan(paired_photos), recipe, 0, 100)
    mirrored = 0
    for n in range(20):
        lq, hq = (as_image(image).astype(int) for image in pairs[n])
        top, left = hq[..., 0].min(), hq[..., 1].min()
        assert top % 4 == left % 4 == 0, "a crop begins at a pixel of the LR image"
        number = int(pairs.photo(n)[-1])
        expected = np.stack(np.broadcast_arrays(np.arange(16)[:, None] + top, np.arange(16) + left, number), axis=-1)
        mirrored += hq[0, 0, 1] > hq[0, 1, 1]
        assert np.array_equal(hq, expected[:, ::-1] if hq[0, 0, 1] > hq[0, 1, 1] else expected)
        lr = np.ascontiguousarray(hq[::4, ::4] if hq[0, 0, 1] < hq[0, 1, 1] else hq[::4, 3::4], dtype=np.float32)
        assert np.array_equal(lq, (resize(lr / 255, (16, 16), "bicubic") * 255).round().clip(0, 255))
    assert 0 < mirrored < 20
