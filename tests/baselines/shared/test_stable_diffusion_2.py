"""Stable Diffusion 2.1-base of tiny size: files that the libraries load, the tokenizer, and what is counted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from baselines.shared import stable_diffusion_2
from baselines.shared.random_weights import write_random


@pytest.mark.usefixtures("tiny_stable_diffusion_2")
def test_the_libraries_load_the_files(tmp_path: Path) -> None:
    written = stable_diffusion_2.layout("sd")
    for path, content in written.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        write_random(tmp_path / path, content, 0)
    tokenizer, backbone = stable_diffusion_2.load(tmp_path / "sd")
    for name, network in (("unet", backbone.unet), ("vae", backbone.vae)):
        names = written[f"sd/{name}/diffusion_pytorch_model.safetensors"]
        assert set(network.state_dict()) == set(names)
        assert not network.training
    assert sum(weight.abs().sum() for weight in backbone.text_encoder.parameters()) > 0
    tokens = tokenizer(["", "an ox"], padding="max_length", max_length=77, return_tensors="pt").input_ids
    start, end = 512, 513  # behind 256 bytes that may end a word and 256 that do
    assert tokens[0].tolist() == [start, end, *[0] * 75]
    words = [tokenizer.convert_tokens_to_ids(word) for word in ("a", "n</w>", "o", "x</w>")]
    assert tokens[1].tolist() == [start, *words, end, *[0] * 71]
    assert backbone.text_encoder(tokens)[0].shape == (2, 77, 16)


@pytest.mark.usefixtures("tiny_stable_diffusion_2")
def test_an_image_passes_the_unet_once_for_each_prompt() -> None:
    profiled = list(stable_diffusion_2.profile(stable_diffusion_2.build(), 64, passes=2, trained=(3, 5)))
    assert [(one.name, one.calls, one.trainable) for one in profiled] == [
        ("text encoder", 2, 0),
        ("VAE encoder", 1, 3),
        ("UNet", 2, 5),
        ("VAE decoder", 1, 0),
    ]
    assert [one.arguments[0].shape for one in profiled] == [(1, 77), (1, 3, 64, 64), (1, 4, 8, 8), (1, 4, 8, 8)]
    for one in profiled:
        with torch.device("meta"):
            one.module(*one.arguments, **one.keywords)
