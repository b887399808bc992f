"""OSEDiff in Python: any LR size and kind of image, seeded, the same alone and in a batch, near in half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from osediff.common.errors import InputError
from osediff.models.compilation import compiler_problem
from osediff.pipeline import OSEDiff
from osediff.recipe import Precision


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A random LR image."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (5, 21)])
def test_output_is_exactly_four_times_the_input(model: OSEDiff, size: tuple[int, int]) -> None:
    sr = model(picture(*size), seed=1)
    assert sr.shape == (4 * size[0], 4 * size[1], 3) and sr.dtype == np.uint8


def test_the_seed_decides_the_pixels(model: OSEDiff) -> None:
    lr = picture(8, 8)
    assert np.array_equal(model(lr, seed=1), model(lr, seed=1))
    assert not np.array_equal(model(lr, seed=1), model(lr, seed=2))


def test_the_mode_needs_no_seed(checkpoint: Path, backbone_folder: Path) -> None:
    model = OSEDiff.from_pretrained(checkpoint, backbone_folder, posterior="mode")
    assert np.array_equal(model(picture(8, 8), seed=1), model(picture(8, 8), seed=2))


def test_every_kind_of_image_gives_the_same_pixels(model: OSEDiff) -> None:
    lr = picture(8, 12)
    expected = model(lr, seed=3)
    restored = model(Image.fromarray(lr), seed=3)
    assert isinstance(restored, Image.Image) and np.array_equal(np.asarray(restored), expected)
    tensor = model(torch.from_numpy(lr).permute(2, 0, 1)[None] / 255, seed=3)
    assert tensor.shape == (1, 3, 32, 48)
    assert np.array_equal((tensor[0] * 255).round().byte().permute(1, 2, 0).numpy(), expected)


def test_other_kinds_of_image_are_refused(model: OSEDiff) -> None:
    with pytest.raises(InputError, match="in mode L, needed is RGB"):
        model(Image.new("L", (8, 8)))
    for array in (np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8)):
        with pytest.raises(InputError, match="needed is uint8"):
            model(array)
    with pytest.raises(InputError, match="needed is float"):
        model(torch.zeros(2, 3, 8, 8))


def test_a_batch_gives_what_its_images_give_alone(model: OSEDiff) -> None:
    lrs, seeds = [picture(8, 12, seed) for seed in range(3)], [5, 6, 7]
    together = model.restore(lrs, [""] * 3, seeds)
    for lr, seed, sr in zip(lrs, seeds, together, strict=True):
        assert np.abs(model(lr, seed=seed).astype(int) - sr).max() <= 1


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_near(
    checkpoint: Path, backbone_folder: Path, model: OSEDiff, precision: Precision
) -> None:
    half = OSEDiff.from_pretrained(checkpoint, backbone_folder, precision=precision)
    assert (
        half.backbone.unet.dtype
        == half.backbone.vae.dtype
        == {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    )
    difference = half(picture(16, 16), seed=1).astype(int) - model(picture(16, 16), seed=1)
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (5, 21)])
def test_the_official_way_gives_the_same_size_and_nearly_the_same_pixels(
    checkpoint: Path, backbone_folder: Path, model: OSEDiff, size: tuple[int, int]
) -> None:
    official = OSEDiff.from_pretrained(checkpoint, backbone_folder, quantization="official", sizes="official")
    lr = picture(*size)
    sr, ours = official(lr, seed=1).astype(int), model(lr, seed=1).astype(int)
    assert sr.shape == ours.shape == (4 * size[0], 4 * size[1], 3)
    if size == (8, 8):  # seen by the networks at the same size
        assert np.abs(sr - ours).max() <= 2 and 0.3 < (ours - sr).mean() < 0.7, "half a level is cut off"


def test_unknown_settings_are_named(checkpoint: Path, backbone_folder: Path) -> None:
    wrong: dict[str, Any] = {"precision": "fp8", "posterior": "mean", "color_fix": "histogram", "compile": "cuda"}
    wrong |= {"quantization": "floor", "sizes": "cropped"}
    for setting, value in wrong.items():
        with pytest.raises(InputError, match="choose one of"):
            OSEDiff.from_pretrained(checkpoint, backbone_folder, **{setting: value})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_here_is_one_line(checkpoint: Path, backbone_folder: Path) -> None:
    with pytest.raises(InputError, match="no GPU here"):
        OSEDiff.from_pretrained(checkpoint, backbone_folder, device="cuda")


@pytest.mark.slow
def test_compiled_networks_restore_the_same_image(
    checkpoint: Path, backbone_folder: Path, model: OSEDiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks in float32: at most a level in 255 by rounding, and none almost everywhere."""
    # A killed run may have left half a file in the common cache.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    if reason := compiler_problem("cpu"):
        pytest.skip(f"nothing can be compiled here: {reason}")
    compiled = OSEDiff.from_pretrained(checkpoint, backbone_folder, compile="default")
    assert compiled.compiled and not model.compiled
    difference = np.abs(compiled(picture(8, 8), seed=1).astype(int) - model(picture(8, 8), seed=1))
    assert difference.max() <= 1 and difference.mean() < 0.01
