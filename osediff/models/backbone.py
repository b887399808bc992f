"""The pretrained latent diffusion model that OSEDiff starts from: SD 2.1-base, or the demo's small one.

On disk a backbone is a folder in diffusers' layout: ``vae/ unet/ text_encoder/ tokenizer/ scheduler/``. One that a rule
brought there also has ``manifest.json``: which mirror it came from, and whether its weights are random.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from osediff.common.errors import InputError
from osediff.common.files import read_json

PARTS = ("vae", "unet", "text_encoder", "tokenizer", "scheduler")
MANIFEST = "manifest.json"


@dataclass
class Backbone:
    """The parts of a latent diffusion model, on one device."""

    vae: AutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: DDPMScheduler

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Backbone:
        """Moves the three networks to ``device``, and to ``dtype`` if given; returns itself."""
        for network in (self.vae, self.unet, self.text_encoder):
            nn.Module.to(network, device, dtype)  # past diffusers' own, which warns of nothing at every cast
        return self

    @torch.no_grad()
    def embed(self, prompts: list[str]) -> Tensor:
        """Text embeddings (N, tokens, channels) of ``prompts``, padded or cut to the encoder's token count."""
        tokens = self.tokenizer(
            prompts,
            max_length=self.tokenizer.model_max_length,
            padding="max_length",
            truncation=True,
            return_tensors="pt",
        )
        return self.text_encoder(tokens.input_ids.to(self.text_encoder.device))[0]


class PromptEmbedder:
    """Text embeddings of prompts, each computed once as long as there is room (0.3 MB each at full size)."""

    ROOM = 1024

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.kept: dict[str, Tensor] = {}

    def __call__(self, prompts: list[str]) -> Tensor:
        """Embeddings (N, tokens, channels) of ``prompts``."""
        found = {prompt: self.kept[prompt] for prompt in prompts if prompt in self.kept}
        missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in found]
        if missing:
            found |= dict(zip(missing, self.backbone.embed(missing).split(1), strict=True))
        if len(self.kept) + len(missing) <= self.ROOM:
            self.kept |= {prompt: found[prompt] for prompt in missing}
        return torch.cat([found[prompt] for prompt in prompts])

    def forget(self) -> None:
        """Drops what is kept."""
        self.kept.clear()


def check(folder: Path) -> DDPMScheduler:
    """The scheduler of the backbone in ``folder``, if OSEDiff can start from that.

    Raises InputError when a part is missing or the UNet was not trained to predict noise: OSEDiff's Eq. 3 holds for
    epsilon prediction only, and the 768-pixel SD 2.1 (velocity prediction) diverges after some thousand steps.
    """
    for part in PARTS:
        if not (folder / part).is_dir():
            raise InputError(
                f"{folder}: no {part}/ in this backbone; it must hold {', '.join(PARTS)} (diffusers layout)"
            )
    scheduler = DDPMScheduler.from_pretrained(folder, subfolder="scheduler")
    if scheduler.config.prediction_type != "epsilon":
        kind = scheduler.config.prediction_type
        raise InputError(f"{folder}: predicts {kind}, OSEDiff needs epsilon; use SD 2.1-base (512), not SD 2.1 (768)")
    return scheduler


def source(folder: Path) -> dict[str, Any]:
    """Where the backbone in ``folder`` came from: ``weights`` (pretrained, random, or given), mirror and revision."""
    if not (folder / MANIFEST).exists():
        return {"weights": "given"}
    manifest = read_json(folder / MANIFEST)
    return {key: manifest[key] for key in ("weights", "mirror", "revision") if key in manifest}


def load(folder: Path) -> Backbone:
    """The backbone stored in ``folder``, in float32 on the CPU, frozen; InputError if it is none (see ``check``)."""
    scheduler = check(folder)
    networks = {
        "vae": AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32),
        "unet": UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=torch.float32),
        "text_encoder": CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
    }
    for network in networks.values():
        network.requires_grad_(False).eval()
    return Backbone(**networks, tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"), scheduler=scheduler)


def build(sizes: dict[str, Any], tokenizer: CLIPTokenizer) -> Backbone:
    """A backbone of the given ``sizes`` (keyword arguments of each part's configuration) with random weights.

    The text encoder has one embedding per token of ``tokenizer`` unless ``sizes`` gives it more (``vocab_size``). Under
    ``torch.device("meta")`` it takes no memory, for counting.
    """
    text = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": tokenizer.model_max_length,
    }
    return Backbone(
        vae=AutoencoderKL(**sizes["vae"]),
        unet=UNet2DConditionModel(**sizes["unet"]),
        text_encoder=CLIPTextModel(CLIPTextConfig(**text | sizes["text_encoder"])),
        tokenizer=tokenizer,
        scheduler=DDPMScheduler(**sizes["scheduler"]),
    )


def save(backbone: Backbone, folder: Path) -> None:
    """Writes ``backbone`` to ``folder`` in diffusers' layout, weights as safetensors in the dtype they have."""
    for part in PARTS:
        getattr(backbone, part).save_pretrained(folder / part)


def word_tokenizer(texts: list[str]) -> CLIPTokenizer:
    """A CLIP tokenizer (77 tokens) in which each word of ``texts`` is one token and other words are spelled out."""
    # CLIP marks a word's last symbol, so the alphabet has to be seen both inside and at the end of words.
    characters = [chr(code) for code in range(33, 127)]
    return CLIPTokenizer(model_max_length=77).train_new_from_iterator(
        [*texts, *texts, " ".join(characters)], vocab_size=4096, initial_alphabet=characters, show_progress=False
    )
