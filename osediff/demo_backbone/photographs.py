"""Training data of the demo's backbone: crops of photographs, clean or degraded, with prompts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.common.images import list_images, read_rgb
from osediff.data.degradation import degrade_unrounded, resize
from osediff.data.degradation_recipe import Degradation
from osediff.data.tensors import as_tensor
from osediff.models.backbone import Backbone
from osediff.models.settings import BackboneRecipe, DemoBackboneSpec, UNetStage

SCALE_FACTOR = 4


class Photos(NamedTuple):
    """Photographs, uint8 tensors (3, H, W) on the CPU, with one caption each."""

    images: list[Tensor]
    captions: list[str]


class Bank(NamedTuple):
    """Latents (N, C, h, w) of crops, the caption of each, and whether the crop was degraded."""

    latents: Tensor
    captions: list[str]
    degraded: list[bool]


def load_photos(folder: Path, captions: Mapping[str, str]) -> Photos:
    """Read every photograph of ``folder``. InputError if ``captions`` lacks one of them."""
    paths = list_images(folder)
    unknown = sorted(set(paths) - set(captions))
    if unknown:
        raise InputError(f"{folder}: no caption for {', '.join(unknown)}; add it to the backbone's recipe")
    images = [torch.from_numpy(read_rgb(path).copy()).permute(2, 0, 1).contiguous() for path in paths.values()]
    return Photos(images, [captions[stem] for stem in paths])


def cut(photo: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Cut a random crop of ``photo``, mirrored at random, as (3, size, size) in [-1, 1].

    It is reduced by a random factor of 1 to 2, since reduced photographs are sharper.
    """
    zoom = 1 + float(torch.rand((), generator=generator))
    side = min(int(size * zoom), *photo.shape[1:])
    top, left = (int(torch.randint(0, extent - side + 1, (), generator=generator)) for extent in photo.shape[1:])
    crop = photo[None, :, top : top + side, left : left + side].float() / 127.5 - 1
    if side != size:
        crop = F.interpolate(crop, size=(size, size), mode="bicubic", antialias=True).clamp(-1, 1)
    return crop[0].flip(-1) if torch.rand((), generator=generator) < 0.5 else crop[0]


def draw_crops(photos: Photos, count: int, size: int, generator: torch.Generator) -> Tensor:
    """Cut ``count`` clean crops of random photographs, (count, 3, size, size) in [-1, 1]."""
    chosen = torch.randint(0, len(photos.images), (count,), generator=generator).tolist()
    return torch.stack([cut(photos.images[index], size, generator) for index in chosen])


def harm(crop: Tensor, degradation: Degradation, rng: np.random.Generator) -> Tensor:
    """Degrade ``crop`` (3, S, S) in [-1, 1] by ``degradation`` and return it at the same size, in [-1, 1]."""
    pixels = ((crop.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
    lr = degrade_unrounded(pixels, degradation, SCALE_FACTOR, rng)
    large = resize(np.ascontiguousarray(lr, dtype=np.float32), pixels.shape[:2], "bicubic")
    return as_tensor((large * 255).round().clip(0, 255))


@torch.no_grad()
def encode_crops(model: Backbone, photos: Photos, spec: DemoBackboneSpec, stage: UNetStage, seed: int) -> Bank:
    """Encode ``stage.crops`` random crops, of which ``stage.degraded_share`` are degraded first.

    The denoiser is trained on them many times. Each is encoded once, since that takes as long as a step of the
    denoiser.
    """
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    device = next(model.vae.parameters()).device
    latents, captions, harmed = [], [], []
    for start in tqdm(range(0, stage.crops, 32), desc="encoding crops", unit="batch"):
        count = min(32, stage.crops - start)
        chosen = torch.randint(0, len(photos.images), (count,), generator=generator).tolist()
        crops = [cut(photos.images[index], spec.recipe.crop, generator) for index in chosen]
        flags = (torch.rand(count, generator=generator) < stage.degraded_share).tolist()
        crops = [harm(x, spec.degradation, rng) if flag else x for x, flag in zip(crops, flags, strict=True)]
        posterior = model.vae.encode(torch.stack(crops).to(device)).latent_dist
        latents.append(posterior.mean.float() * model.vae.config.scaling_factor)
        captions += [photos.captions[index] for index in chosen]
        harmed += flags
    return Bank(torch.cat(latents), captions, harmed)


def draw_latents(
    bank: Bank, recipe: BackboneRecipe, stage: UNetStage, generator: torch.Generator
) -> tuple[Tensor, list[str]]:
    """Draw latents and their prompts: tags or nothing for clean crops, words of the negative prompt for others."""
    words = recipe.negative_prompt.rstrip(".").split(", ")
    chosen = torch.randint(0, len(bank.captions), (stage.batch,), generator=generator).tolist()
    prompts = []
    for index in chosen:
        choice = float(torch.rand((), generator=generator))
        if bank.degraded[index]:
            some = torch.randperm(len(words), generator=generator)[: len(words) // 3].tolist()
            prompts.append(recipe.negative_prompt if choice < 0.5 else ", ".join(words[n] for n in some))
        else:
            prompts.append("" if choice < stage.caption_dropout else bank.captions[index])
    return bank.latents[chosen], prompts
