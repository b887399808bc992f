"""Tiles cover the image, do not show, and are used where the image is large."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from osediff.common.errors import InputError
from osediff.models import backbone as backbones
from osediff.models import tiling
from osediff.models.backbone import Backbone
from osediff.models.generator import Generator
from osediff.models.tile_sizes import Tiling
from tests.osediff.tiny import RECIPE


def picture(height: int, width: int) -> Tensor:
    """A random image (1, 3, height, width) whose left half is darker, so that tiles have other statistics."""
    image = torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(0)) * 2 - 1
    image[..., : width // 2] = image[..., : width // 2] / 4 - 0.7
    return image


@pytest.mark.parametrize(("extent", "expected"), [(20, [0]), (32, [0]), (33, [0, 1]), (56, [0, 24]), (80, [0, 24, 48])])
def test_overlapping_tiles_cover_the_side(extent: int, expected: list[int]) -> None:
    assert tiling.starts(extent, 32, 8) == expected


@pytest.mark.parametrize("extent", [2, 30, 64, 66, 129, 131, 270])
def test_spans_follow_each_other_and_read_beyond(extent: int) -> None:
    spans = tiling.spans(extent, 32, 6)
    assert [span.start for span in spans] == [0, *(span.stop for span in spans[:-1])] and spans[-1].stop == extent
    for span in spans:
        assert span.first == max(0, span.start - 6) and span.last == min(extent, span.stop + 6)
        assert span.start % 2 == span.first % 2 == 0


def test_blending_reproduces_what_tiles_agree_on() -> None:
    x = torch.rand(2, 3, 50, 70)
    assert torch.allclose(tiling.blend_tiles(lambda tile: 2 * tile, x, 32, 8, "test"), 2 * x, atol=1e-6)


def test_a_tile_counts_most_in_its_middle() -> None:
    weight = tiling.window(32, 48)
    assert weight.shape == (32, 48) and weight.argmax() // 48 == 16 and weight.argmax() % 48 in (23, 24)
    assert weight.min() > 0


@pytest.mark.parametrize("size", [(96, 64), (84, 76)])  # latents of 24 x 16 and of 21 x 19
@torch.no_grad()
def test_the_vae_in_tiles_is_the_vae_in_one_piece(backbone: Backbone, size: tuple[int, int]) -> None:
    image = picture(*size)
    expected = backbone.vae.encode(image).latent_dist.parameters
    # Its attention sees the whole of 24 x 16 latent pixels with windows of 2 * 12; the rest is in tiles of 6.
    tiled = tiling.encode(backbone.vae, image, Tiling(vae=12))
    assert torch.allclose(tiled, expected, atol=1e-5)
    latent = expected.chunk(2, dim=1)[0]
    assert torch.allclose(
        tiling.decode(backbone.vae, latent, Tiling(vae=12)), backbone.vae.decode(latent).sample, atol=1e-5
    )


@torch.no_grad()
def test_the_vae_is_itself_again_after_tiles(backbone: Backbone) -> None:
    latent = torch.rand(1, 4, 20, 20)
    before = backbone.vae.decode(latent).sample
    tiling.decode(backbone.vae, latent, Tiling(vae=4))
    assert torch.equal(backbone.vae.decode(latent).sample, before)


@torch.no_grad()
def test_attention_over_windows_stays_near_attention_over_all(backbone: Backbone) -> None:
    latent = torch.randn((1, 4, 24, 24), generator=torch.Generator().manual_seed(0))
    whole, windows = backbone.vae.decode(latent).sample, tiling.decode(backbone.vae, latent, Tiling(vae=10))
    assert 0 < (whole - windows).abs().mean() < 0.05 * whole.std()


@torch.no_grad()
def test_a_generator_tiles_only_what_is_large(backbone_folder: Path) -> None:
    backbone = backbones.load(backbone_folder)
    generator = Generator(backbone, RECIPE)
    seen = []
    backbone.unet.register_forward_pre_hook(lambda _, args: seen.append(tuple(args[0].shape[-2:])))
    text = backbone.embed([""])
    small, large = picture(64, 64), picture(64, 96)
    whole = generator(small, text)[0]
    generator.tiles = Tiling(vae=16, latent=16, overlap=4)
    assert torch.equal(generator(small, text)[0], whole)
    assert generator(large, text)[0].shape == large.shape
    assert seen == [(16, 16), (16, 16), (16, 16), (16, 16)]


def test_sizes_that_cannot_be_are_refused() -> None:
    for sizes in ({"vae": -1}, {"latent": 32, "overlap": 32}, {"overlap": -1}):
        with pytest.raises(InputError, match="overlap must be below"):
            Tiling(**sizes)


def test_tiles_in_half_precision_stay_near_the_whole(backbone_folder: Path) -> None:
    backbone = backbones.load(backbone_folder)
    for network in (backbone.vae, backbone.unet):
        network.to(torch.bfloat16).to(memory_format=torch.channels_last)
    image = picture(64, 64).bfloat16()
    with torch.no_grad():
        whole = backbone.vae.encode(image).latent_dist.parameters
        tiled = tiling.encode(backbone.vae, image, Tiling(vae=12))
    assert tiled.dtype == torch.bfloat16
    assert (tiled - whole).float().abs().mean() < 0.02 * whole.float().std()
