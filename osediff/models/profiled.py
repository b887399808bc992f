"""The networks of OSEDiff with random weights, for counting and timing."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from osediff.common.errors import InputError
from osediff.common.images import read_rgb, write_png
from osediff.common.profiling import Call, Part
from osediff.data.pairs import as_image, as_tensor
from osediff.models import backbone as backbones
from osediff.models.generator import PRECISIONS, Generator
from osediff.models.lora import GENERATOR, REGULARIZER, UNET_GROUPS, VAE_GROUPS, add_lora, lora_parameters, targets
from osediff.pipeline import OSEDiff
from osediff.prompts import ram

PARTS_OF_A_RUN = ("files", "enlargement", "prompt extraction", "text encoder", "color fix")


def networks(backbone: dict[str, Any] | str) -> tuple[AutoencoderKL, UNet2DConditionModel, CLIPTextModel]:
    """The three networks with random weights, of the sizes in config/backbones.yaml or as a backbone folder says."""
    if isinstance(backbone, str):
        text = CLIPTextConfig.from_pretrained(Path(backbone) / "text_encoder")
        vae, unet = (each.load_config(backbone, subfolder=name)
                     for name, each in (("vae", AutoencoderKL), ("unet", UNet2DConditionModel)))  # fmt: skip
        return AutoencoderKL.from_config(vae), UNet2DConditionModel.from_config(unet), CLIPTextModel(text)
    text = CLIPTextConfig(max_position_embeddings=77, **backbone["text_encoder"])
    return AutoencoderKL(**backbone["vae"]), UNet2DConditionModel(**backbone["unet"]), CLIPTextModel(text)


def parts(
    size: int,
    backbone: dict[str, Any] | str,
    rank: int = 4,
    alpha: int = 8,
    merged: bool = True,
    extractor: bool = False,
) -> list[Part]:
    """VAE encoder, UNet, VAE decoder and text encoder for one image of ``size`` pixels on each side.

    ``backbone``: sizes, as of one with random weights in config/backbones.yaml, or a folder. ``merged``: LoRA is folded
    into the weights, as in inference; otherwise it runs beside them, as in training. ``trainable`` counts the LoRA
    and the UNet's own ``conv_in``. ``extractor``: RAM's tagging networks
    too. InputError where ``size`` is none that the networks can take.
    """
    vae, unet, text = networks(backbone)
    tuned = {"VAE encoder LoRA": (vae, VAE_GROUPS["encoder"]), "UNet LoRA": (unet, sum(UNET_GROUPS.values(), ()))}
    layers = {name: targets(network, prefixes) for name, (network, prefixes) in tuned.items()}
    trained = {}
    for name, (network, _) in tuned.items():
        for role in (GENERATOR, REGULARIZER) if network is unet else (GENERATOR,):
            add_lora(network, role, layers[name], rank, alpha)
            found = sum(p.numel() for p in lora_parameters(network, role).values())
            trained[f"{name}, {role}" if network is unet else name] = found
            if network is unet and role == GENERATOR:
                trained["conv_in"] = sum(p.numel() for p in unet.conv_in.base_layer.parameters())
            if merged or role == REGULARIZER:
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
        *(tagging() if extractor else []),
    ]


class TaggingHead(torch.nn.Module):
    """RAM from image tokens (N, tokens, channels) to logits of the tags, without Swin-L."""

    def __init__(self, model: ram.RAM) -> None:
        super().__init__()
        self.image_proj, self.wordvec_proj, self.fc = model.image_proj, model.wordvec_proj, model.fc
        self.tagging_head, self.label_embed = model.tagging_head, model.label_embed

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits (N, tags, 1)."""
        image = self.image_proj(torch.cat([tokens.mean(1, keepdim=True), tokens], dim=1))
        tags = torch.relu(self.wordvec_proj(self.label_embed)).expand(len(tokens), -1, -1)
        for layer in self.tagging_head:
            tags = layer(tags, image)
        return self.fc(tags)


def tagging() -> list[Part]:
    """RAM's networks for one image, which it brings to 384 pixels a side: Swin-L, and the head that knows the tags."""
    model = ram.build()
    pixels = torch.zeros(1, 3, model.size, model.size)
    tokens = torch.zeros((1, (model.size // 32) ** 2, model.image_proj.in_features))
    return [Part("Swin-L", model.visual_encoder, (pixels,)), Part("tagging head", TaggingHead(model).eval(), (tokens,))]


def pipeline(
    size: int,
    batch: int,
    device: str,
    precision: str,
    includes: list[str],
    backbone: dict[str, Any] | str,
    extractor: bool = False,
) -> tuple[Callable[[], Any], str]:
    """What one timed run does, and what that includes: ``batch`` images of ``size`` pixels a side, LoRA merged.

    Always VAE encoder, UNet and VAE decoder. ``includes`` (config/timing.yaml) adds files, enlargement of LR pixels,
    prompt extraction (RAM's networks, with ``extractor``), the text encoder, and color fix. InputError where ``size``
    is none that the networks can take.
    """
    if isinstance(backbone, str):
        loaded = backbones.load(Path(backbone))
    else:
        loaded = backbones.build(backbone, backbones.word_tokenizer(["image"]))
    recipe = {"rank_vae": 4, "rank_unet": 4, "alpha": 8, "scale_factor": 4, "process_size": 1, "color_fix": "adain"}
    recipe["tune"] = {"vae_encoder": True, "vae_decoder": False, "unet": True}
    model = OSEDiff(Generator(loaded, recipe), recipe, device, precision)
    multiple = model.generator.factor * 2 ** (len(loaded.unet.config.block_out_channels) - 1)
    if size < multiple or size % multiple:
        raise InputError(f"an image of {size} pixels a side: the networks take multiples of {multiple}")
    tagger = ram.build().to(device, PRECISIONS[precision]) if extractor and "prompt extraction" in includes else None
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (size // 4, size // 4, 3), np.uint8) for _ in range(batch)]
    folder = Path(mkdtemp())
    atexit.register(shutil.rmtree, folder)
    lr, sr = ([folder / f"{kind}{n}.png" for n in range(batch)] for kind in ("lr", "sr"))
    for path, image in zip(lr, images, strict=True):
        write_png(path, image)

    def enlarged(found: list[np.ndarray]) -> Tensor:
        return torch.stack([as_tensor(model.upsample(image)) for image in found]).to(device)

    ready = enlarged(images)

    def run() -> Any:
        lq = ready
        if "enlargement" in includes:
            lq = enlarged([read_rgb(path) for path in lr] if "files" in includes else images)
        if tagger:
            tagger(ram.preprocess(lq / 2 + 0.5, tagger.size).to(PRECISIONS[precision]))
        if "text encoder" in includes:
            model.texts.forget()
        made = model.restore_tensor(lq, [""] * batch, list(range(batch)))
        if "color fix" in includes:
            made = torch.stack([model.color_fix(one, like) for one, like in zip(made, lq, strict=True)])
        for path, image in zip(sr, made if "files" in includes else (), strict=False):
            write_png(path, as_image(image))
        return made

    taken = [name for name in includes if name != "prompt extraction" or tagger]
    left = [name for name in PARTS_OF_A_RUN if name not in taken]
    return run, ", ".join(["VAE encoder, UNet, VAE decoder", *taken]) + f"; without {', '.join(left)}" * bool(left)


def group(trained: dict[str, int], *beginnings: str) -> dict[str, int]:
    """The entries of ``trained`` whose names begin so."""
    return {name: number for name, number in trained.items() if name.startswith(beginnings)}
