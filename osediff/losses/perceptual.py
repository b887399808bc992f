"""The perceptual part of the data term (Eq. 5): LPIPS at paper preset, a download-free stand-in at demo preset."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from osediff.models.generator import Generator

Distance = Callable[[Tensor, Tensor], Tensor]


def encoder_features(generator: Generator) -> Distance:
    """Distance of unit-normalized features of the backbone's own frozen VAE encoder, summed over its levels.

    This is LPIPS's construction on another network and without learned channel weights: it needs no download and
    is not LPIPS, and its values compare with nothing but themselves.
    """
    encoder = generator.backbone.vae.encoder

    def features(image: Tensor) -> list[Tensor]:
        found = []
        with generator.pretrained_vae():
            hidden = encoder.conv_in(image)
            for block in encoder.down_blocks:
                hidden = block(hidden)
                found.append(hidden / (hidden.square().sum(1, keepdim=True) + 1e-8).sqrt())
        return found

    def distance(restored: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = features(target)
        return torch.stack(
            [(a - b).square().sum(1).mean() for a, b in zip(features(restored), wanted, strict=True)]
        ).sum()

    return distance


def lpips_vgg(generator: Generator) -> Distance:
    """LPIPS with VGG16, the paper's training loss, computed by pyiqa (non-commercial license) from its own weights."""
    import pyiqa

    device = next(generator.backbone.unet.parameters()).device
    metric = pyiqa.create_metric("lpips-vgg", as_loss=True, device=device).requires_grad_(False)
    return lambda restored, target: metric(restored / 2 + 0.5, target / 2 + 0.5)


KINDS: dict[str, Callable[[Generator], Distance]] = {"encoder-features": encoder_features, "lpips-vgg": lpips_vgg}
