"""What HYPIR's official enhancer gets, which layers have LoRA, and what is counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from baselines.hypir import adapter
from baselines.hypir.adapter import Options
from osediff.common.errors import InputError
from tests.baselines.hypir.conftest import Enhancer

Weights = dict[str, Tensor]


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0", "default"),
        ("up_blocks.0.upsamplers.0.conv", "default"),
        ("conv_out", "default"),
        ("conv_in", None),
        ("down_blocks.0.resnets.0.time_emb_proj", None),
    ],
)
def test_the_ends_of_the_names_are_compared_as_whole_words(options: Options, layer: str, name: str | None) -> None:
    assert adapter.name_adapter(options, layer) == name


def test_the_enhancer_gets_the_settings_of_the_readme_an_empty_prompt_and_the_lora(
    sources: Path, options: Options, enhancers: list[Enhancer], lr: np.ndarray
) -> None:
    sr = adapter.load(sources, options, "cpu", sources / "cache")(lr, "a", None)
    assert np.array_equal(sr, lr.repeat(4, axis=0).repeat(4, axis=1))
    (enhancer,) = enhancers
    expected = {"model_t": 200, "coeff_t": 200, "lora_rank": 2, "device": "cpu"}
    assert {name: enhancer.arguments[name] for name in expected} == expected
    assert "to_out.0" in enhancer.arguments["lora_modules"] and len(enhancer.arguments["lora_modules"]) == 13
    tiles = {"patch_size": 512, "stride": 256}
    assert enhancer.calls == [{"prompt": "", "upscale": 4, "return_type": "pil", **tiles}]
    assert enhancer.weight_dtype == torch.float32
    written = torch.load(sources / "weights" / options.checkpoint, weights_only=True)
    assert len(written) == len(enhancer.lora) > 0
    assert all(torch.equal(enhancer.lora[name], value) for name, value in written.items())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lora: lora.pop("conv_out.lora_A.default.weight"), "conv_out.lora_A.default.weight is not in it"),
        (
            lambda lora: lora.update({"conv_out.lora_B.default.weight": torch.zeros(4, 3, 1, 1)}),
            "conv_out.lora_B.default.weight has the shape (4, 3, 1, 1)",
        ),
        (
            lambda lora: lora.update({"conv_in.lora_A.default.weight": torch.zeros(2, 4, 3, 3)}),
            "conv_in.lora_A.default.weight belongs to no layer",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_one_line_and_nothing_is_loaded(
    sources: Path, options: Options, enhancers: list[Enhancer], change: Callable[[Weights], object], problem: str
) -> None:
    path = sources / "weights" / options.checkpoint
    lora: Weights = torch.load(path, weights_only=True)
    change(lora)
    torch.save(lora, path)
    line = f"{path}: {problem}; this is a checkpoint of another network, get it anew"
    with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
        adapter.load(sources, options, "cpu", sources / "cache")
    assert not enhancers


@pytest.mark.parametrize(("size", "tiles"), [(128, 1), (129, 4), (256, 9)])
def test_tiles_of_512_pixels_are_counted_at_every_256_pixels(
    sources: Path, options: Options, size: int, tiles: int
) -> None:
    networks = list(adapter.profiled_modules(sources, options, size))
    calls = {network.name: network.calls for network in networks}
    assert calls == {"text encoder": 1, "VAE encoder": tiles, "UNet": tiles, "VAE decoder": tiles}
    assert networks[1].arguments[0].shape == (1, 3, 512, 512)
    lora = torch.load(sources / "weights" / options.checkpoint, weights_only=True)
    assert [network.trainable for network in networks] == [0, 0, sum(weight.numel() for weight in lora.values()), 0]
