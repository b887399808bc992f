"""The perceptual part of the data term (Eq. 5): LPIPS, or a distance without a download if its weights are missing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from osediff.common import pyiqa_networks
from osediff.common.errors import InputError
from osediff.common.weights import LPIPS_VGG, LPIPS_VGG_SHA256, digest, find, weights_folder
from osediff.models.generator import Generator
from osediff.recipe import Loss, PerceptualLoss

Distance = Callable[[Tensor, Tensor], Tensor]


def encoder_features(generator: Generator) -> Distance:
    """Return the distance of unit-normalized features of the backbone's frozen VAE encoder, summed over its levels.

    The construction is that of LPIPS, on another network and without learned channel weights. It needs no download. It
    is not LPIPS, and its values are not comparable with those of LPIPS.
    """

    def features(image: Tensor) -> list[Tensor]:
        levels = generator.encoder_levels(image)
        return [level / (level.square().sum(1, keepdim=True) + 1e-8).sqrt() for level in levels]

    def distance(restored: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            expected = features(target)
        return torch.stack(
            [(a - b).square().sum(1).mean() for a, b in zip(features(restored), expected, strict=True)]
        ).sum()

    return distance


def lpips_vgg(generator: Generator) -> Distance:
    """Return LPIPS with VGG16, the paper's training loss, on the generator's device (see ``load_lpips_vgg``)."""
    return load_lpips_vgg(next(generator.backbone.unet.parameters()).device)


def load_lpips_vgg(device: torch.device) -> Distance:
    """Return LPIPS with VGG16 on ``device``, by pyiqa (non-commercial license); nothing is downloaded.

    Raises:
        InputError: its weights are missing or have another sha256.
    """
    path = find(LPIPS_VGG)
    if path is None:
        command = "python -m osediff.common.artifacts fetch metric-weights --only lpips-vgg"
        raise InputError(f"{weights_folder() / LPIPS_VGG}: is not here, and the loss lpips-vgg needs it; {command}")
    if digest(path) != LPIPS_VGG_SHA256:
        raise InputError(f"{path}: is another file than config/metrics.yaml says; remove it to fetch it anew")
    metric = pyiqa_networks.create("lpips-vgg", [path], str(device), as_loss=True).requires_grad_(False)
    return lambda restored, target: metric(restored / 2 + 0.5, target / 2 + 0.5)


KINDS: dict[str, Callable[[Generator], Distance]] = {"encoder-features": encoder_features, "lpips-vgg": lpips_vgg}


def available_kind(settings: PerceptualLoss) -> str:
    """Return the kind of a recipe's perceptual term, or its fallback if the weights of LPIPS are missing."""
    if settings.kind == "lpips-vgg" and settings.fallback and find(LPIPS_VGG) is None:
        return settings.fallback
    return settings.kind


def used_networks(loss: Loss) -> list[str]:
    """Return the networks from outside that the loss of a training uses, with fallbacks in place of missing ones."""
    replaced = available_kind(loss.perceptual) != loss.perceptual.kind
    return [name for name in loss.networks if not (replaced and name == loss.perceptual.kind)]
