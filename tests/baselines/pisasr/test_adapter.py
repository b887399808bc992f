"""What PiSA-SR's official network gets, which LoRA its UNet has, and what becomes of its image."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from baselines.pisasr import adapter
from baselines.pisasr.adapter import Options, name_adapter
from osediff.common.errors import InputError


@pytest.mark.parametrize(
    ("layer", "adapter"),
    [
        ("conv_in", "default_encoder_pix"),
        ("down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0", "default_encoder_pix"),
        ("mid_block.resnets.0.conv1", "default_others_pix"),
        ("up_blocks.3.attentions.0.transformer_blocks.0.ff.net.0.proj", "default_decoder_pix"),
        ("conv_out", "default_decoder_pix"),
        ("conv_norm_out", None),
        ("down_blocks.0.resnets.0.time_emb_proj", None),
        ("time_embedding.linear_1", None),
    ],
)
def test_a_layer_belongs_to_the_adapter_of_its_part(layer: str, adapter: str | None) -> None:
    assert name_adapter("pix", layer) == adapter


def test_the_network_gets_the_enlarged_image_and_an_empty_prompt(
    sources: Path, official: SimpleNamespace, options: Options, lr: np.ndarray
) -> None:
    sr = adapter.load(sources, options, "cpu", sources / "cache")(lr, "a", None)
    (network,) = official.networks
    assert network.tiles == {"encoder_tile_size": 1024, "decoder_tile_size": 224}
    assert vars(network.args) == {"latent_tiled_size": 96, "latent_tiled_overlap": 32}
    ((call, (target, source)),) = zip(network.calls, official.colors, strict=True)
    assert (call["default"], call["prompt"]) == (True, "")
    # 4x of the short side is less than 128, so the image is enlarged to 48x32 first.
    large = np.asarray(Image.fromarray(lr).resize((48, 32)).resize((192, 128)))
    assert np.abs((call["image"][0].permute(1, 2, 0).numpy() + 1) / 2 * 255 - large).max() < 1e-3
    assert np.array_equal(np.asarray(source), large)  # colors are corrected against the enlarged image
    assert np.abs(np.asarray(target) - (large / 2 + 255 / 4)).max() <= 1  # half the contrast
    assert sr.shape == (80, 120, 3)
    assert np.array_equal(sr, np.asarray(target.resize((120, 80))))


def test_the_unet_has_both_loras_with_twice_their_weight(
    sources: Path, official: SimpleNamespace, options: Options
) -> None:
    adapter.load(sources, options, "cpu", sources / "cache")
    (network,) = official.networks
    before = load_file(sources / "weights" / adapter.BASE / "unet" / "diffusion_pytorch_model.safetensors")
    lora = torch.load(sources / "weights" / options.checkpoint, weights_only=True)["state_dict_unet"]

    def product(layer: str, name: str) -> Tensor:
        down, up = (lora[f"{layer}.lora_{half}.{name}.weight"] for half in "AB")
        return torch.einsum("or,ri...->oi...", up.flatten(1), down)

    for layer, group in (("conv_in", "encoder"), ("mid_block.resnets.0.conv1", "others"), ("conv_out", "decoder")):
        change = product(layer, f"default_{group}_pix") + product(layer, f"default_{group}_sem")
        weight = network.unet.get_submodule(layer).weight
        assert torch.allclose(weight, before[f"{layer}.weight"] + 8 / 4 * change, atol=1e-5)
    assert torch.equal(network.unet.time_embedding.linear_1.weight, before["time_embedding.linear_1.weight"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda name: name.replace("_sem", ""), "default_encoder_sem.weight is not in it"),
        (lambda name: name.replace("mid_block.attentions.0.proj_in", "x"), "default_others_pix.weight is not in it"),
        (lambda name: name if "_pix" in name else f"x.{name}", "default_encoder_sem.weight is not in it"),
    ],
)
def test_the_lora_of_another_network_is_one_line(
    sources: Path, official: SimpleNamespace, options: Options, change: Callable[[str], str], problem: str
) -> None:
    path = sources / "weights" / options.checkpoint
    lora = torch.load(path, weights_only=True)["state_dict_unet"]
    torch.save({"state_dict_unet": {change(name): value for name, value in lora.items()}}, path)
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))}: .*{re.escape(problem)}; .*, get it anew$"):
        adapter.load(sources, options, "cpu", sources / "cache")
    assert not official.networks
