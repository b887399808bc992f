"""The size to which TSD-SR enlarges an LR image, what its script gets, and which LoRA its networks have."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from baselines.tsdsr import adapter
from baselines.tsdsr.adapter import Options, find_size
from osediff.common.errors import InputError


@pytest.mark.parametrize(
    ("size", "expected"), [((128, 128), (512, 512)), ((100, 150), (512, 768)), ((131, 141), (520, 560))]
)
def test_the_short_side_is_at_least_the_process_size_and_sides_are_multiples_of_8(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert find_size(np.zeros((*size, 3), np.uint8), 512) == expected


def test_the_script_gets_the_lr_image_its_size_and_the_embeddings_of_the_prompt(
    sources: Path, script: SimpleNamespace, options: Options, lr: np.ndarray
) -> None:
    sr = adapter.load(sources, options, "cpu", sources / "cache")(lr, "a", None)
    ((call, (target, source)),) = zip(script.calls, script.colors, strict=True)
    assert vars(call["args"]) == {"device": "cpu", "latent_tiled_size": 64, "latent_tiled_overlap": 8}
    assert np.abs(call["image"][0].permute(1, 2, 0).numpy() * 255 - lr).max() < 1e-3
    assert call["size"] == (128, 192)
    assert script.timesteps.tolist() == [1000]
    for name, file in (("prompt_embeds", "prompt_embeds.pt"), ("pooled_prompt_embeds", "pool_embeds.pt")):
        written = torch.load(sources / "weights" / options.embeddings / file, weights_only=True)
        assert torch.equal(getattr(script, name), written)
    assert target.size == (120, 80)  # the image is made smaller before its colors are corrected
    assert np.array_equal(np.asarray(source), lr)  # against the LR image itself
    assert np.array_equal(sr, np.asarray(target))
    assert sr.mean() == pytest.approx(lr.mean() / 2 + 255 / 4, abs=1)


def test_transformer_and_vae_have_their_lora(sources: Path, script: SimpleNamespace, options: Options) -> None:
    adapter.load(sources, options, "cpu", sources / "cache")
    for part, layer in (("transformer", "transformer_blocks.0.attn.to_q"), ("vae", "encoder.conv_in")):
        weights = sources / "weights"
        before = load_file(weights / adapter.BASE / part / "diffusion_pytorch_model.safetensors")[f"{layer}.weight"]
        lora = load_file(weights / options.lora / f"{part}.safetensors")
        down, up = (lora[f"transformer.{layer}.lora_{half}.weight"] for half in "AB")
        change = torch.einsum("or,ri...->oi...", up.flatten(1), down)
        assert torch.allclose(getattr(script, part).get_submodule(layer).weight, before + change, atol=1e-5)


@pytest.mark.parametrize(
    ("part", "change", "problem"),
    [
        (
            "transformer",
            lambda lora: lora.pop("transformer.pos_embed.proj.lora_A.weight"),
            "transformer.pos_embed.proj.lora_A.weight is not in it",
        ),
        (
            "vae",
            lambda lora: lora.update({"transformer.decoder.conv_in.lora_A.weight": torch.ones(64, 16, 3, 3)}),
            "transformer.decoder.conv_in.lora_A.weight belongs to no layer",
        ),
    ],
)
def test_the_lora_of_another_network_is_one_line(
    sources: Path,
    script: SimpleNamespace,
    options: Options,
    part: str,
    change: Callable[[dict[str, Tensor]], object],
    problem: str,
) -> None:
    path = sources / "weights" / options.lora / f"{part}.safetensors"
    lora = load_file(path)
    change(lora)
    save_file(lora, path)
    line = f"{path}: {problem}; this is a checkpoint of another network, get it anew"
    with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
        adapter.load(sources, options, "cpu", sources / "cache")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("prompt_embeds.pt", torch.ones(1, 6)),  # the pooled one
        ("prompt_embeds.pt", torch.ones(1, 333, 6)),
        ("pool_embeds.pt", torch.ones(2, 6)),
        ("pool_embeds.pt", torch.tensor(1.0)),
        ("pool_embeds.pt", {"a": torch.ones(1, 6)}),
    ],
)
def test_another_file_in_place_of_an_embedding_is_one_line(
    sources: Path, script: SimpleNamespace, options: Options, file: str, content: object
) -> None:
    path = sources / "weights" / options.embeddings / file
    torch.save(content, path)
    line = f"{path}: holds no embedding of one prompt for this network; get it anew"
    with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
        adapter.load(sources, options, "cpu", sources / "cache")


def test_the_script_is_imported_under_a_name_of_its_own(
    script: SimpleNamespace, sources: Path, options: adapter.Options
) -> None:
    adapter.load(sources, options, "cpu", sources / "cache")
    assert script.imported == ("test_tsdsr", sources / "TSD-SR" / "test" / "test_tsdsr.py")
