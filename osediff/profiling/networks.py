"""The networks of OSEDiff with random weights, for counting and for the roofline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule, method_module
from osediff.models.adapter_names import GENERATOR, REGULARIZER, UNET_GROUPS, VAE_GROUPS
from osediff.models.lora import add_lora, lora_parameters, targets
from osediff.prompts import ram

Sizes = dict[str, Any]  # keyword arguments of diffusers' and transformers' configurations


def build_networks(backbone: Sizes | str) -> tuple[AutoencoderKL, UNet2DConditionModel, CLIPTextModel]:
    """Build VAE, UNet and text encoder with random weights, of given sizes or of those of a backbone folder."""
    if isinstance(backbone, str):
        text = CLIPTextConfig.from_pretrained(Path(backbone) / "text_encoder")
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(backbone, subfolder="vae"))
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(backbone, subfolder="unet"))
        return vae, unet, CLIPTextModel(text)
    text = CLIPTextConfig(max_position_embeddings=77, **backbone["text_encoder"])
    return AutoencoderKL(**backbone["vae"]), UNet2DConditionModel(**backbone["unet"]), CLIPTextModel(text)


def check_size(size: int, vae: AutoencoderKL, unet: UNet2DConditionModel) -> int:
    """Return the VAE's downsampling factor; InputError if the networks cannot take ``size`` pixels a side."""
    factor: int = 2 ** (len(vae.config.block_out_channels) - 1)
    multiple = factor * 2 ** (len(unet.config.block_out_channels) - 1)
    if size < multiple or size % multiple:
        raise InputError(f"an image of {size} pixels a side: the networks take multiples of {multiple}")
    return factor


def osediff_modules(
    size: int,
    backbone: Sizes | str,
    rank: int = 4,
    alpha: int = 8,
    merged: bool = True,
    extractor: bool = False,
) -> list[ProfiledModule]:
    """Return VAE encoder, UNet, VAE decoder and text encoder for one image.

    Args:
        size: side of the SR image in pixels.
        backbone: sizes, as of a backbone with random weights in config/backbones.yaml, or a folder.
        rank: LoRA rank.
        alpha: LoRA's scale times ``rank``.
        merged: whether LoRA is merged into the weights, as in inference; otherwise it is beside them, as in training.
        extractor: whether the networks of RAM, which extracts prompts, are included.

    Raises:
        InputError: the networks cannot take ``size``.
    """
    vae, unet, text = build_networks(backbone)
    factor = check_size(size, vae, unet)
    vae_trainable = _add_adapters(vae, (GENERATOR,), VAE_GROUPS["encoder"], rank, alpha, merged)
    unet_groups = tuple(name for names in UNET_GROUPS.values() for name in names)
    unet_trainable = _add_adapters(unet, (GENERATOR, REGULARIZER), unet_groups, rank, alpha, merged)
    side, channels = size // factor, vae.config.latent_channels
    embedding = torch.zeros(1, 77, text.config.hidden_size)
    latent = torch.zeros(1, channels, side, side)
    encoder, decoder = method_module(vae, "encode"), method_module(vae, "decode")
    return [
        ProfiledModule("VAE encoder", encoder, (torch.zeros(1, 3, size, size),), trainable=vae_trainable),
        ProfiledModule("UNet", unet, (latent, torch.full((1,), 999), embedding), trainable=unet_trainable),
        ProfiledModule("VAE decoder", decoder, (latent,)),
        ProfiledModule("text encoder", text.eval(), (torch.zeros(1, 77, dtype=torch.long),)),
        *(ram_modules() if extractor else []),
    ]


def _add_adapters(
    network: nn.Module, roles: tuple[str, ...], groups: tuple[str, ...], rank: int, alpha: int, merged: bool
) -> int:
    """Add the LoRA of ``roles`` to ``network``, then remove all but the generator's, which is removed if merged.

    Returns:
        The number of trained parameters: LoRA of every role, and in the UNet the ``conv_in`` that the generator trains.
    """
    trainable = 0
    layers = targets(network, groups)
    for role in roles:
        add_lora(network, role, layers, rank, alpha)
        trainable += sum(parameter.numel() for parameter in lora_parameters(network, role).values())
        if isinstance(network, UNet2DConditionModel) and role == GENERATOR:
            trainable += sum(parameter.numel() for parameter in network.conv_in.base_layer.parameters())
        if merged or role == REGULARIZER:
            network.delete_adapters(role)  # type: ignore[operator]
    network.requires_grad_(False).eval()
    return trainable


class TaggingHead(nn.Module):
    """RAM from image tokens (N, tokens, channels) to logits of the tags, without Swin-L."""

    def __init__(self, model: ram.RAM) -> None:
        """Take the layers of ``model``."""
        super().__init__()
        self.image_proj, self.wordvec_proj, self.fc = model.image_proj, model.wordvec_proj, model.fc
        self.tagging_head, self.label_embed = model.tagging_head, model.label_embed

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (N, tags, 1)."""
        image = self.image_proj(torch.cat([tokens.mean(1, keepdim=True), tokens], dim=1))
        tags = torch.relu(self.wordvec_proj(self.label_embed)).expand(len(tokens), -1, -1)
        for layer in self.tagging_head:
            tags = layer(tags, image)
        logits: Tensor = self.fc(tags)
        return logits


def ram_modules() -> list[ProfiledModule]:
    """Return RAM's networks for one image, resized to 384 pixels a side: Swin-L, and the tagging head."""
    model = ram.build()
    pixels = torch.zeros(1, 3, model.size, model.size)
    tokens = torch.zeros((1, (model.size // 32) ** 2, model.image_proj.in_features))
    head = TaggingHead(model).eval()
    return [ProfiledModule("Swin-L", model.visual_encoder, (pixels,)), ProfiledModule("tagging head", head, (tokens,))]
