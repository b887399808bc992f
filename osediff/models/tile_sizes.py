"""Sizes of the tiles in which large images are restored. This module does not import torch."""

from __future__ import annotations

from dataclasses import dataclass

from osediff.common.errors import InputError


@dataclass(frozen=True)
class Tiling:
    """Sizes in latent pixels; 0 means never to tile.

    ``vae``: up to the area of a square with this side, the VAE computes the whole image; for larger images it uses
    tiles of half this side. Its attention covers the whole image up to a square with twice this side, and otherwise
    windows of twice this side. ``latent``: side of the UNet's tiles; images up to their area are computed whole.
    ``overlap`` is that of the UNet's tiles. The UNet's sizes are those of the official code, whose VAE uses tiles from
    136 (encoder) and 246 (decoder) on.
    """

    vae: int = 128
    latent: int = 96
    overlap: int = 32

    def __post_init__(self) -> None:
        if self.vae < 0 or self.latent < 0 or (self.latent and not 0 <= self.overlap < self.latent):
            sizes = f"VAE {self.vae}, latent {self.latent}, overlap {self.overlap}"
            raise InputError(f"tile sizes {sizes}: none may be negative, and the overlap must be below the latent tile")
