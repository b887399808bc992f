"""Stable Diffusion 2.1-base for methods that restore in one step: files, networks, counts. SD-Turbo has its shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from baselines.runner.adapters import Contents
from baselines.runner.profiling import meta
from baselines.shared.stable_diffusion import diffusers_files, transformers_files
from baselines.shared.upstream_code import build_on_meta
from osediff.common.profiling import ProfiledModule, method_module

# The configuration files of Stable Diffusion 2-base and 2.1-base, without values that are the defaults of the classes.
UNET: dict[str, Any] = {"attention_head_dim": [5, 10, 20, 20], "cross_attention_dim": 1024}
UNET |= {"use_linear_projection": True, "sample_size": 64}
VAE: dict[str, Any] = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "sample_size": 512}
VAE |= {"down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4}
TEXT: dict[str, Any] = {"hidden_size": 1024, "num_hidden_layers": 23, "num_attention_heads": 16}
TEXT |= {"intermediate_size": 4096, "hidden_act": "gelu", "projection_dim": 512}
SCHEDULER: dict[str, Any] = {"_class_name": "DDPMScheduler", "beta_start": 0.00085, "beta_end": 0.012}
SCHEDULER |= {"beta_schedule": "scaled_linear", "clip_sample": False}
SCHEDULER |= {"num_train_timesteps": 1000, "prediction_type": "epsilon"}


@dataclass(frozen=True)
class Backbone:
    """The networks of a Stable Diffusion."""

    text_encoder: Any
    vae: Any
    unet: Any

    def to(self, device: str, dtype: torch.dtype = torch.float32) -> Backbone:
        """Move all networks; evaluation mode."""
        return Backbone(*(one.to(device, dtype).eval().requires_grad_(False) for one in vars(self).values()))


def build() -> Backbone:
    """Build the networks without weights."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    return Backbone(
        text_encoder=build_on_meta(lambda: CLIPTextModel(CLIPTextConfig(**TEXT))),
        vae=build_on_meta(lambda: AutoencoderKL(**VAE)),
        unet=build_on_meta(lambda: UNet2DConditionModel(**UNET)),
    )


def build_part(folder: Path, part: Literal["unet", "vae"]) -> Any:
    """Build the network whose configuration is in ``folder / part``, without weights."""
    import diffusers

    network = {"unet": diffusers.UNet2DConditionModel, "vae": diffusers.AutoencoderKL}[part]
    config = network.load_config(folder / part, local_files_only=True)
    return build_on_meta(lambda: network.from_config(config))


def layout(folder: str) -> dict[str, Contents | str]:
    """Return the files of a Stable Diffusion in ``folder``; the vocabulary is invented."""
    backbone = build()
    return {
        f"{folder}/scheduler/scheduler_config.json": json.dumps(SCHEDULER),
        **diffusers_files({f"{folder}/unet": backbone.unet, f"{folder}/vae": backbone.vae}),
        **transformers_files({f"{folder}/text_encoder": backbone.text_encoder}),
        **{f"{folder}/tokenizer/{name}": content for name, content in invent_tokenizer().items()},
    }


def invent_tokenizer() -> dict[str, str]:
    """Return the files of a CLIP tokenizer whose words are bytes; it pads with "!" as Stable Diffusion 2 does."""
    from tokenizers.pre_tokenizers import ByteLevel

    characters = sorted(ByteLevel.alphabet())  # the first is "!", so padding has the number 0
    words = [*characters, *(f"{one}</w>" for one in characters), "<|startoftext|>", "<|endoftext|>"]
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    special |= {"pad_token": "!"}
    return {
        "vocab.json": json.dumps({word: index for index, word in enumerate(words)}),
        "merges.txt": "#version: 0.2\n",
        "special_tokens_map.json": json.dumps(special),
        "tokenizer_config.json": json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **special}),
    }


def load(folder: Path) -> tuple[Any, Backbone]:
    """Load tokenizer and networks, in float32, on the CPU."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    how = {"torch_dtype": torch.float32, "local_files_only": True}
    backbone = Backbone(
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder", **how),
        vae=AutoencoderKL.from_pretrained(folder / "vae", **how),
        unet=UNet2DConditionModel.from_pretrained(folder / "unet", **how),
    )
    return CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True), backbone.to("cpu")


def profile(
    backbone: Backbone, side: int, passes: int = 1, trained: tuple[int, int] = (0, 0)
) -> Iterator[ProfiledModule]:
    """Yield the networks with the calls that one image needs.

    Args:
        backbone: without weights.
        side: of the upsampled image, in pixels.
        passes: prompts, and calls of the UNet.
        trained: numbers of parameters of the LoRA of the VAE's encoder and of the UNet.
    """
    text_encoder, vae, unet = backbone.to("meta").__dict__.values()
    encoder = method_module(vae, "encode", [vae.encoder, vae.quant_conv])
    decoder = method_module(vae, "decode", [vae.decoder, vae.post_quant_conv])
    latent, text = meta(1, 4, side // 8, side // 8), meta(1, 77, unet.config.cross_attention_dim)
    call = (latent, meta(1, dtype=torch.long), text)
    yield ProfiledModule("text encoder", text_encoder, (meta(1, 77, dtype=torch.long),), calls=passes)
    yield ProfiledModule("VAE encoder", encoder, (meta(1, 3, side, side),), trainable=trained[0])
    yield ProfiledModule("UNet", unet, call, {"return_dict": False}, calls=passes, trainable=trained[1])
    yield ProfiledModule("VAE decoder", decoder, (latent,))
