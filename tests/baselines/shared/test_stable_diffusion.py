"""Stable Diffusion with a ControlNet: files that the libraries load, and what is counted of an image's way through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from baselines.runner.profiling import meta
from baselines.shared.stable_diffusion import TIME, Networks, diffusers_files, profile_networks, transformers_files

VAE: dict[str, Any] = {"block_out_channels": [8, 8], "layers_per_block": 1, "norm_num_groups": 4}
VAE |= {"down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2}
TEXT: dict[str, Any] = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 16, "projection_dim": 8}
TEXT |= {"num_hidden_layers": 1, "num_attention_heads": 2}


class Control(nn.Module):
    """In place of PASD's ControlNet, which returns an image prediction before the residuals."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 3)

    def forward(self, latent: Tensor, time: int, **conditions: Any) -> tuple[Any, ...]:
        """Return a prediction, the residuals of the way down, and that of the middle, as large as the latent."""
        assert time == TIME and conditions["controlnet_cond"].shape == (2, 3, 64, 48)
        return "prediction", (latent, latent[..., :1]), latent


class UNet(nn.Module):
    """Two layers, one of which the authors train."""

    def __init__(self) -> None:
        super().__init__()
        self.image_attentions, self.other = nn.Linear(4, 4), nn.Linear(5, 5)


def make_networks() -> Networks:
    """Make tiny networks with random weights."""
    torch.manual_seed(0)
    return Networks(CLIPTextModel(CLIPTextConfig(**TEXT)), AutoencoderKL(**VAE), Control(), UNet())


def test_the_libraries_load_the_files(tmp_path: Path) -> None:
    networks = make_networks()
    files = diffusers_files({"sd/vae": networks.vae}) | transformers_files({"sd/text_encoder": networks.text_encoder})
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content)
        else:
            save_file({key: value.contiguous() for key, value in content.items()}, path)  # type: ignore[union-attr]
    vae = AutoencoderKL.from_pretrained(tmp_path / "sd" / "vae", local_files_only=True)
    text_encoder = CLIPTextModel.from_pretrained(tmp_path / "sd" / "text_encoder", local_files_only=True)
    for loaded, written in ((vae, networks.vae), (text_encoder, networks.text_encoder)):
        expected = written.state_dict()
        assert loaded.state_dict().keys() == expected.keys()
        assert all(torch.equal(value, expected[name]) for name, value in loaded.state_dict().items())


def test_an_image_passes_each_network_as_often_as_the_diffusion_has_steps() -> None:
    networks = make_networks()
    conditions = {"encoder_hidden_states": meta(2, 77, 16)}
    profiled = list(profile_networks(networks.to_meta(), meta(2, 3, 64, 48), conditions, 20, ["image_attentions"]))
    assert [(one.name, one.calls) for one in profiled] == [
        ("text encoder", 2),  # prompt and negative prompt
        ("VAE encoder", 1),
        ("ControlNet", 20),
        ("UNet", 20),
        ("VAE decoder", 1),
    ]
    _, encoder, control, unet, decoder = profiled
    assert [one.trainable for one in profiled] == [0, 0, 2 * 3 + 3, 4 * 4 + 4, 0]
    assert encoder.arguments[0].shape == (1, 3, 64, 48) and decoder.arguments[0].shape == (1, 4, 8, 6)
    assert control.arguments[0].shape == unet.arguments[0].shape == (2, 4, 8, 6)  # guidance doubles the batch
    residuals = unet.keywords["down_block_additional_residuals"]
    assert [tuple(residual.shape) for residual in residuals] == [(2, 4, 8, 6), (2, 4, 8, 1)]
    assert unet.keywords["encoder_hidden_states"] is conditions["encoder_hidden_states"]
    of_vae = sum(parameter.numel() for parameter in networks.vae.parameters())
    counted = [sum(parameter.numel() for parameter in one.module.parameters()) for one in (encoder, decoder)]
    assert sum(counted) == of_vae and min(counted) > 0
