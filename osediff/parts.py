"""The networks of OSEDiff with random weights, for counting and timing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from contracts.errors import InputError
from contracts.parts import Call, Part
from osediff.adapters import GENERATOR, REGULARISER, UNET_GROUPS, VAE_GROUPS, add_lora, lora_parameters, targets


def networks(backbone: dict[str, Any] | str) -> tuple[AutoencoderKL, UNet2DConditionModel, CLIPTextModel]:
    """The three networks with random weights, of the sizes in config/backbones.yaml or as a backbone folder says."""
    if isinstance(backbone, str):
        text = CLIPTextConfig.from_pretrained(Path(backbone) / "text_encoder")
        vae, unet = (each.load_config(backbone, subfolder=name)
                     for name, each in (("vae", AutoencoderKL), ("unet", UNet2DConditionModel)))  # fmt: skip
        return AutoencoderKL.from_config(vae), UNet2DConditionModel.from_config(unet), CLIPTextModel(text)
    text = CLIPTextConfig(max_position_embeddings=77, **backbone["text_encoder"])
    return AutoencoderKL(**backbone["vae"]), UNet2DConditionModel(**backbone["unet"]), CLIPTextModel(text)


def parts(size: int, backbone: dict[str, Any] | str, rank: int = 4, alpha: int = 8, merged: bool = True) -> list[Part]:
    """VAE encoder, UNet, VAE decoder and text encoder for one image of ``size`` pixels on each side.

    ``backbone``: sizes, as of one with random weights in config/backbones.yaml, or a folder. ``merged``: LoRA is folded
    into the weights, as in inference; otherwise it runs beside them, as in training. ``trainable`` counts the LoRA
    and the UNet's own ``conv_in``. InputError where ``size`` is none that the networks can take.
    """
    vae, unet, text = networks(backbone)
    tuned = {"VAE encoder LoRA": (vae, VAE_GROUPS["encoder"]), "UNet LoRA": (unet, sum(UNET_GROUPS.values(), ()))}
    layers = {name: targets(network, prefixes) for name, (network, prefixes) in tuned.items()}
    trained = {}
    for name, (network, _) in tuned.items():
        for role in (GENERATOR, REGULARISER) if network is unet else (GENERATOR,):
            add_lora(network, role, layers[name], rank, alpha)
            found = sum(p.numel() for p in lora_parameters(network, role).values())
            trained[f"{name}, {role}" if network is unet else name] = found
            if network is unet and role == GENERATOR:
                trained["conv_in"] = sum(p.numel() for p in unet.conv_in.base_layer.parameters())
            if merged or role == REGULARISER:
                network.delete_adapters(role)
    for network in (vae, unet):
        network.requires_grad_(False).eval()
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    multiple = factor * 2 ** (len(unet.config.block_out_channels) - 1)
    if size < multiple or size % multiple:
        raise InputError(f"an image of {size} pixels a side: the networks take multiples of {multiple}")
    side, channels = size // factor, vae.config.latent_channels
    embedding = torch.zeros(1, 77, text.config.hidden_size)
    latent = torch.zeros(1, channels, side, side)
    return [
        Part("VAE encoder", Call(vae, "encode"), (torch.zeros(1, 3, size, size),), trainable=group(trained, "VAE")),
        Part("UNet", unet, (latent, torch.full((1,), 999), embedding), trainable=group(trained, "UNet", "conv_in")),
        Part("VAE decoder", Call(vae, "decode"), (latent,)),
        Part("text encoder", text.eval(), (torch.zeros(1, 77, dtype=torch.long),)),
    ]


def group(trained: dict[str, int], *beginnings: str) -> dict[str, int]:
    """The entries of ``trained`` whose names begin so."""
    return {name: number for name, number in trained.items() if name.startswith(beginnings)}
