"""Restoration keeps the method contract on any LR size, is seeded, and equals the unmerged generator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.errors import InputError
from contracts.images import list_images, read_rgb, write_png
from osediff import backbone as backbones
from osediff import checkpoints
from osediff.data import as_tensor
from osediff.generator import Generator
from osediff.restore import Restorer, adain
from osediff.train import train
from tests.osediff.conftest import RECIPE


@pytest.fixture(scope="module")
def checkpoint(photos: Path, backbone_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint after two steps: adapters that differ from their start."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("checkpoint")
    train(RECIPE | {"steps": 2}, photos, backbone_folder, 0, out, "cpu")
    return out


def test_merged_weights_give_the_unmerged_output(checkpoint: Path, backbone_folder: Path) -> None:
    backbone = backbones.load(backbone_folder)
    generator = Generator(backbone, RECIPE)
    checkpoints.load_adapters(checkpoint / "adapters.safetensors", generator.parameters())
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        expected, _ = generator(image, backbone.embed([""]), torch.Generator().manual_seed(3))
        merged = Restorer(checkpoint, backbone_folder).generator
        actual, _ = merged(image, backbone.embed([""]), torch.Generator().manual_seed(3))
    assert torch.allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (5, 21)])
def test_output_is_exactly_four_times_the_input(checkpoint: Path, backbone_folder: Path, size: tuple[int, int]) -> None:
    lr = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    sr = Restorer(checkpoint, backbone_folder)(lr, seed=1)
    assert sr.shape == (4 * size[0], 4 * size[1], 3) and sr.dtype == np.uint8


def test_the_seed_decides_the_pixels(checkpoint: Path, backbone_folder: Path) -> None:
    restorer = Restorer(checkpoint, backbone_folder)
    lr = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert np.array_equal(restorer(lr, seed=1), restorer(lr, seed=1))
    assert not np.array_equal(restorer(lr, seed=1), restorer(lr, seed=2))


def test_adain_takes_over_the_statistics() -> None:
    rng = np.random.default_rng(0)
    image, reference = (torch.from_numpy(rng.random((3, 9, 7)) * scale) for scale in (1, 5))
    fixed = adain(image, reference)
    assert torch.allclose(fixed.mean((1, 2)), reference.mean((1, 2)))
    assert torch.allclose(fixed.std((1, 2)), reference.std((1, 2)), rtol=1e-4)


def test_pixels_survive_the_way_to_a_tensor_and_back() -> None:
    from osediff.data import as_image

    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(as_image(as_tensor(levels)), levels)


def test_command_line_writes_the_same_whether_interrupted_or_not(
    checkpoint: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    for index in range(3):
        write_png(tmp_path / "LR" / f"{index}.png", np.full((8, 8, 3), 60 * index, np.uint8))
    command = [sys.executable, "-m", "osediff.restore", "--input", tmp_path / "LR", "--output", tmp_path / "SR"]
    command += ["--checkpoint", checkpoint, "--backbone", backbone_folder, "--record", tmp_path / "run.json"]
    subprocess.run(command, check=True, capture_output=True)
    images = {stem: read_rgb(path) for stem, path in list_images(tmp_path / "SR").items()}
    assert sorted(images) == ["0", "1", "2"] and (tmp_path / "run.json").exists()
    (tmp_path / "SR" / "1.png").unlink()
    subprocess.run(command, check=True, capture_output=True)
    again = {stem: read_rgb(path) for stem, path in list_images(tmp_path / "SR").items()}
    assert all(np.array_equal(images[stem], again[stem]) for stem in images)


def test_unreadable_adapters_are_named(checkpoint: Path, backbone_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text((checkpoint / "recipe.json").read_text())
    with pytest.raises(InputError, match=r"adapters\.safetensors"):
        Restorer(tmp_path, backbone_folder)
    (tmp_path / "adapters.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"adapters\.safetensors"):
        Restorer(tmp_path, backbone_folder)
