"""What S3Diff's official network gets, and what becomes of its image."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from baselines.s3diff import adapter, networks
from baselines.s3diff.adapter import Options
from osediff.common.errors import InputError


def enlarge(image: np.ndarray) -> np.ndarray:
    """Enlarge (H, W, 3) to 4x by bilinear interpolation; pixels are squares, and the border continues."""
    for axis in (0, 1):
        places = (np.arange(image.shape[axis] * 4) + 0.5) / 4 - 0.5
        known = np.arange(image.shape[axis])
        image = np.apply_along_axis(lambda line, x=places, at=known: np.interp(x, at, line), axis, image)
    return image


def test_the_network_gets_the_upsampled_image_the_degradation_and_both_prompts(
    sources: Path, official: SimpleNamespace, options: Options, lr: np.ndarray
) -> None:
    torch.save({"weight": torch.tensor([[2.0], [3.0]])}, sources / "weights" / networks.ESTIMATOR)
    sr = adapter.load(sources, options, "cpu", sources / "cache")(lr, "a", None)
    (network,) = official.networks
    (call,) = network.calls
    assert not call["training"]
    assert call["pos_prompt"] == [options.positive_prompt] and options.positive_prompt.startswith("A high-resolution")
    assert call["neg_prompt"] == [options.negative_prompt] and options.negative_prompt.startswith("oil painting")
    assert call["degradation"].numpy() == pytest.approx(np.array([[2, 3]]) * lr.mean() / 255, rel=1e-5)
    image = (call["image"][0].permute(1, 2, 0).numpy() + 1) / 2 * 255
    large = enlarge(lr.astype(float))
    assert image.shape == (128, 128, 3)  # multiples of 64, by reflection
    assert np.abs(image[:80, :120] - large).max() < 1e-3
    assert np.abs(image[80:] - image[31:79][::-1]).max() == 0
    assert np.abs(image[:, 120:] - image[:, 111:119][:, ::-1]).max() == 0
    assert sr.shape == (80, 120, 3)
    assert np.abs(sr - (large / 2 + 255 / 4)).max() <= 1  # half the contrast, truncated


def test_colors_are_corrected_against_the_upsampled_image(
    sources: Path, official: SimpleNamespace, options: Options, lr: np.ndarray
) -> None:
    adapter.load(sources, options, "cpu", sources / "cache")(lr, "a", None)
    ((target, source),) = official.colors
    assert target.size == source.size == (120, 80)
    assert np.abs(np.asarray(source) - enlarge(lr.astype(float))).max() <= 1


def test_the_network_is_made_of_the_files_of_the_descriptor(
    sources: Path, official: SimpleNamespace, options: Options
) -> None:
    adapter.load(sources, options, "cpu", sources / "cache")
    (network,) = official.networks
    args = vars(network.arguments.pop("args"))
    assert args == {
        "latent_tiled_size": 96,
        "latent_tiled_overlap": 32,
        "vae_encoder_tiled_size": 1024,
        "vae_decoder_tiled_size": 224,
    }
    assert network.arguments == {
        "lora_rank_unet": 32,
        "lora_rank_vae": 16,
        "sd_path": str(sources / "weights" / "sd-turbo"),
        "pretrained_path": str(sources / "weights" / "s3diff.pkl"),
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: content.pop("rank_vae"), "rank_vae is not in it"),
        (
            lambda content: content["state_dict_unet"].pop("conv_in.weight"),
            "state_dict_unet.conv_in.weight is not in it",
        ),
        (
            lambda content: content["state_dict_vae"].update({"encoder.conv_in.lora_B.vae_skip.weight": torch.ones(3)}),
            r"state_dict_vae.encoder.conv_in.lora_B.vae_skip.weight has the shape (3,)",
        ),
        (
            lambda content: content["state_embeddings"]["state_dict_vae_block"].clear(),
            "state_embeddings.state_dict_vae_block.weight is not in it",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_one_line_and_nothing_is_loaded(
    sources: Path,
    official: SimpleNamespace,
    options: Options,
    change: Callable[[dict[str, Any]], object],
    problem: str,
) -> None:
    path = sources / "weights" / options.checkpoint
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)
    line = f"{path}: {problem}; this is a checkpoint of another network, get it anew"
    with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
        adapter.load(sources, options, "cpu", sources / "cache")
    assert not official.networks


def test_a_list_in_place_of_a_checkpoint_is_one_line(sources: Path, options: Options) -> None:
    torch.save([1, 2], sources / "weights" / options.checkpoint)
    with pytest.raises(InputError, match=r"s3diff\.pkl: rank_unet is not in it; this is a checkpoint of another"):
        adapter.load(sources, options, "cpu", sources / "cache")
