"""Restoration keeps the method contract on any LR size, is seeded, and equals the unmerged generator."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from osediff import restore
from osediff.common.errors import InputError
from osediff.common.files import read_json, write_json
from osediff.common.images import list_images, read_rgb, write_png
from osediff.data.pairs import as_tensor
from osediff.models import backbone as backbones
from osediff.models.adapter_files import load_adapters
from osediff.models.generator import Generator
from osediff.pipeline import OSEDiff
from osediff.training.sample_rng import SampleRNG
from tests.osediff.tiny import RECIPE, edit, run_training


@pytest.fixture(scope="module")
def checkpoint(photos: Path, backbone_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint after two steps: adapters that differ from their start."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("checkpoint")
    run_training(edit({"steps": 2}), photos, backbone_folder, 0, out)
    return out


def test_merged_weights_give_the_unmerged_output(checkpoint: Path, backbone_folder: Path) -> None:
    backbone = backbones.load(backbone_folder)
    generator = Generator(backbone, RECIPE)
    load_adapters(checkpoint, generator.parameters())
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        expected, _ = generator(image, backbone.embed([""]), SampleRNG([3]))
        merged = OSEDiff.from_pretrained(checkpoint, backbone_folder).generator
        actual, _ = merged(image, backbone.embed([""]), SampleRNG([3]))
    assert torch.allclose(actual, expected, atol=1e-5)


@pytest.fixture(scope="module")
def model(checkpoint: Path, backbone_folder: Path) -> OSEDiff:
    return OSEDiff.from_pretrained(checkpoint, backbone_folder)


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
    for wrong in (Image.new("L", (8, 8)), np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), torch.zeros(2, 3, 8, 8)):
        with pytest.raises(InputError, match="needed is"):
            model(wrong)


def test_a_batch_gives_what_its_images_give_alone(model: OSEDiff) -> None:
    lrs, seeds = [picture(8, 12, seed) for seed in range(3)], [5, 6, 7]
    together = model.restore(lrs, [""] * 3, seeds)
    for lr, seed, sr in zip(lrs, seeds, together, strict=True):
        assert np.abs(model(lr, seed=seed).astype(int) - sr).max() <= 1


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_near(checkpoint: Path, backbone_folder: Path, model: OSEDiff, precision: str) -> None:
    half = OSEDiff.from_pretrained(checkpoint, backbone_folder, precision=precision)
    assert (
        half.backbone.unet.dtype
        == half.backbone.vae.dtype
        == {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    )
    difference = half(picture(16, 16), seed=1).astype(int) - model(picture(16, 16), seed=1)
    assert np.abs(difference).mean() < 2


def test_the_prompt_is_embedded_once_and_matters(checkpoint: Path, backbone_folder: Path) -> None:
    model = OSEDiff.from_pretrained(checkpoint, backbone_folder)
    embeddings = model.embed(["jpeg", "blurring", "jpeg"])
    assert torch.equal(embeddings[1], model.backbone.embed(["blurring"])[0])
    assert list(model.embed.cache) == ["jpeg", "blurring"]
    assert torch.equal(embeddings[0], embeddings[2]) and not torch.equal(embeddings[0], embeddings[1])


def test_unknown_settings_are_named(checkpoint: Path, backbone_folder: Path) -> None:
    for setting in ({"precision": "fp8"}, {"posterior": "mean"}, {"color_fix": "histogram"}):
        with pytest.raises(InputError, match="choose one of"):
            OSEDiff.from_pretrained(checkpoint, backbone_folder, **setting)


def test_importing_the_package_is_light() -> None:
    code = "import osediff, sys; assert not {'torch', 'diffusers'} & set(sys.modules); from osediff import OSEDiff"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pixels_survive_the_way_to_a_tensor_and_back() -> None:
    from osediff.data.pairs import as_image

    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(as_image(as_tensor(levels)), levels)


def test_command_line_writes_the_same_whether_interrupted_or_not(
    checkpoint: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(3):
        write_png(tmp_path / "LR" / f"{index}.png", np.full((8, 8, 3), 60 * index, np.uint8))
    command = ["restore", "--input", tmp_path / "LR", "--output", tmp_path / "SR"]
    command += ["--checkpoint", checkpoint, "--backbone", backbone_folder, "--record", tmp_path / "run.json"]
    command += ["--batch", "2", "--precision", "bf16"]
    monkeypatch.setattr(sys, "argv", list(map(str, command)))
    restore.main()
    images = {stem: read_rgb(path) for stem, path in list_images(tmp_path / "SR").items()}
    assert sorted(images) == ["0", "1", "2"] and (tmp_path / "run.json").exists()
    (tmp_path / "SR" / "1.png").unlink()
    restore.main()
    again = {stem: read_rgb(path) for stem, path in list_images(tmp_path / "SR").items()}
    assert all(np.array_equal(images[stem], again[stem]) for stem in images)


def test_adapters_of_another_rank_are_named(checkpoint: Path, backbone_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, other := tmp_path / "other")
    write_json(other / "recipe.json", read_json(other / "recipe.json") | {"rank_unet": 3})
    with pytest.raises(InputError, match=r"does not fit this network or rank: unet.*needed is"):
        OSEDiff.from_pretrained(other, backbone_folder)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_here_is_one_line(checkpoint: Path, backbone_folder: Path) -> None:
    with pytest.raises(InputError, match="no GPU here"):
        OSEDiff.from_pretrained(checkpoint, backbone_folder, device="cuda")


def test_unreadable_adapters_are_named(checkpoint: Path, backbone_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text((checkpoint / "recipe.json").read_text())
    with pytest.raises(InputError, match=r"adapters\.safetensors"):
        OSEDiff.from_pretrained(tmp_path, backbone_folder)
    (tmp_path / "adapters.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"adapters\.safetensors"):
        OSEDiff.from_pretrained(tmp_path, backbone_folder)


def test_other_adapters_than_those_of_the_training_are_refused(
    checkpoint: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(checkpoint, other := tmp_path / "other")
    tensors = load_file(other / "adapters.safetensors")
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, other / "adapters.safetensors")
    with pytest.raises(InputError, match=r"is not the file that provenance\.json beside it names"):
        OSEDiff.from_pretrained(other, backbone_folder)
    (other / "provenance.json").unlink()
    save_file({name: tensor / 0 for name, tensor in tensors.items()}, other / "adapters.safetensors")
    with pytest.raises(InputError, match="holds values that are not finite"):
        OSEDiff.from_pretrained(other, backbone_folder)
