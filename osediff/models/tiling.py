"""Restore images of any size in bounded memory, in tiles without visible seams.

The UNet's tiles overlap and are averaged under a Gaussian window, as in the official code. The VAE gives the result of
the whole image, one residual block after the other: a tile includes a margin as wide as its convolutions reach, and
each group normalization first computes its mean and variance over all tiles. So a block's convolutions are computed up
to twice, and between two blocks a feature map of the whole image is in memory: for SD 2.1 and a 4K image (3840x2160) at
most two of 4.2 GB in float32, or half of that in bfloat16 and float16. Only the attention in the middle of the VAE,
whose cost grows with the square of the image's area, is computed over windows if the image is very large.

Sizes are in latent pixels: an image pixel divided by the VAE's factor, 8 in SD 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.models.tile_sizes import Tiling

Network = Callable[[Tensor], Tensor]

# Reach of a stage of the VAE beyond a pixel: two 3x3 convolutions, and a third that halves or follows a doubling.
# Even, so that tiles begin on even pixels, as halving needs.
MARGIN = 6


def exceeds_tile(x: Tensor, tile: int, factor: int = 1) -> bool:
    """Return whether ``x`` (..., H, W), with ``factor`` pixels per latent pixel, is larger than a square tile."""
    return 0 < (tile * factor) ** 2 < x.shape[-2] * x.shape[-1]


def starts(extent: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin along one side: ``tile - overlap`` apart; the last one ends with the image."""
    if extent <= tile:
        return [0]
    step = tile - overlap
    return [*range(0, extent - tile, step), extent - tile]


def window(height: int, width: int) -> Tensor:
    """Return Gaussian weights (height, width), deviation a tenth of the side.

    The vertical center is half a pixel low as in the official code, so that outputs agree. Averages do not change.
    """

    def profile(side: int, center: float) -> Tensor:
        return torch.exp(-(((torch.arange(side, dtype=torch.float64) - center) / side) ** 2) / 0.02)

    return torch.outer(profile(height, height / 2), profile(width, (width - 1) / 2)).float()


def blend_tiles(network: Network, x: Tensor, tile: int, overlap: int, what: str) -> Tensor:
    """Compute ``network(x)`` for a large ``x`` (N, C, H, W): overlapping tiles, averaged under a Gaussian window.

    The network must keep height and width. ``what`` names the work on the progress bar.
    """
    height, width = (min(tile, extent) for extent in x.shape[-2:])
    weight = window(height, width).to(x.device)
    tops, lefts = (starts(extent, tile, overlap) for extent in x.shape[-2:])
    total: Tensor | None = None
    weights = torch.zeros(x.shape[-2:], device=x.device)
    for top, left in tqdm([(t, left) for t in tops for left in lefts], desc=what, unit="tile", leave=False):
        inside = (..., slice(top, top + height), slice(left, left + width))
        result = network(x[inside].contiguous()).float()
        if total is None:
            total = torch.zeros(*result.shape[:2], *x.shape[-2:], device=x.device)
        total[inside] += result * weight
        weights[inside[1:]] += weight
    assert total is not None  # there is at least one tile
    return (total / weights).to(x.dtype)


class Span(NamedTuple):
    """Along one side, the part ``start:stop`` that a tile computes and the part ``first:last`` that it reads."""

    start: int
    stop: int
    first: int
    last: int


def spans(extent: int, tile: int, margin: int) -> list[Span]:
    """Split ``extent`` into nearly equal parts of about ``tile``, each with up to ``margin`` beyond.

    Parts begin at even places, and the last one ends with the image: the latent of 1032 pixels has 129 rows.
    """
    count = math.ceil(extent / tile)
    edges = [*(2 * round(extent / 2 * index / count) for index in range(count)), extent]
    return [Span(start, stop, max(0, start - margin), min(extent, stop + margin)) for start, stop in pairwise(edges)]


class UnmeasuredError(Exception):
    """A tile has reached a normalization whose statistics are not complete yet."""


class SharedNorms:
    """Makes group normalizations of tiles use the mean and variance of the whole image.

    Inside a ``with`` block, the first of ``layers`` without ``statistics`` measures its input, without the margins of
    ``tile``, and raises UnmeasuredError; ``combine`` then computes its statistics from the measurements of all tiles.
    One image at a time (N = 1).
    """

    def __init__(self, layers: list[nn.GroupNorm]) -> None:
        self.layers = layers
        self.statistics: dict[nn.GroupNorm, tuple[Tensor, Tensor]] = {}
        self.tile: tuple[Span, Span] | None = None
        self._seen: dict[nn.GroupNorm, list[tuple[int, Tensor, Tensor]]] = {}

    def __enter__(self) -> SharedNorms:
        # An attribute of the instance shadows the method: diffusers has no way to hand statistics to its blocks.
        for layer in self.layers:
            layer.forward = partial(self._normalize, layer)  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        for layer in self.layers:
            del layer.forward

    def combine(self) -> None:
        """Compute statistics from the measurements of the tiles."""
        for layer, measurements in self._seen.items():
            counts = torch.tensor([count for count, _, _ in measurements], dtype=torch.float64)
            means = torch.stack([mean for _, mean, _ in measurements]).double().cpu()
            variances = torch.stack([variance for _, _, variance in measurements]).double().cpu()
            share = (counts / counts.sum())[:, None]
            mean = (share * means).sum(0)
            variance = (share * (variances + (means - mean) ** 2)).sum(0)
            self.statistics[layer] = (mean.float(), variance.float())
        self._seen = {}

    def measure(self, layer: nn.GroupNorm, x: Tensor) -> None:
        """Accumulate mean and variance of the part of ``x`` (1, C, H, W) that lies inside the tile."""
        if self.tile is not None:
            scale = x.shape[-1] / (self.tile[1].last - self.tile[1].first)
            top, left = (round((span.start - span.first) * scale) for span in self.tile)
            high, wide = (round((span.stop - span.start) * scale) for span in self.tile)
            x = x[..., top : top + high, left : left + wide]
        values = x.float().reshape(layer.num_groups, -1)
        variance, mean = torch.var_mean(values, dim=1, correction=0)
        self._seen.setdefault(layer, []).append((values.shape[1], mean, variance))

    def _normalize(self, layer: nn.GroupNorm, x: Tensor) -> Tensor:
        if layer not in self.statistics:
            self.measure(layer, x)
            raise UnmeasuredError
        group_size = layer.num_channels // layer.num_groups
        mean, variance = (value.to(x.device).repeat_interleave(group_size) for value in self.statistics[layer])
        # With the statistics given, this is what batch normalization computes when it does not train.
        return F.batch_norm(x, mean, variance, layer.weight.float(), layer.bias.float(), False, 0.0, layer.eps)


def group_norms(modules: list[nn.Module]) -> list[nn.GroupNorm]:
    """Return every group normalization in ``modules``."""
    return [layer for module in modules for layer in module.modules() if isinstance(layer, nn.GroupNorm)]


def piecewise(modules: list[nn.Module], x: Tensor, tile: int) -> Tensor:
    """Apply ``modules`` in order to one image (1, C, H, W), in tiles of about ``tile``, with the result of the whole.

    Together they may double or halve the size; they must reach no farther than MARGIN input pixels.
    """
    tiles = [(row, column) for row in spans(x.shape[-2], tile, MARGIN) for column in spans(x.shape[-1], tile, MARGIN)]
    whole: Tensor | None = None
    with SharedNorms(group_norms(modules)) as shared:
        while whole is None:
            for shared.tile in tiles:
                row, column = shared.tile
                read = x[..., row.first : row.last, column.first : column.last].contiguous()
                try:
                    output = chain(modules, read)
                except UnmeasuredError:
                    continue
                ratio = output.shape[-1] / read.shape[-1]

                def scaled(start: int, stop: int, ratio: float = ratio) -> slice:
                    return slice(round(start * ratio), round(stop * ratio))

                if whole is None:
                    size = [round(extent * ratio) for extent in x.shape[-2:]]
                    whole = output.new_empty(*output.shape[:2], *size)
                whole[..., scaled(row.start, row.stop), scaled(column.start, column.stop)] = output[
                    ...,
                    scaled(row.start - row.first, row.stop - row.first),
                    scaled(column.start - column.first, column.stop - column.first),
                ]
            shared.combine()
    return whole


def chain(modules: list[nn.Module], x: Tensor) -> Tensor:
    """Apply ``modules`` one after the other; residual blocks without a time embedding, as in a VAE."""
    for module in modules:
        x = module(x, None) if isinstance(module, ResnetBlock2D) else module(x)
    return x


def middle(block: Any, x: Tensor, side: int) -> Tensor:
    """Apply the VAE's middle block to ``x`` (1, C, H, W); attention is over windows of ``side`` if ``x`` is larger."""
    x = block.resnets[0](x, None)
    for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
        if attention is not None and exceeds_tile(x, side):
            with SharedNorms(group_norms([attention])) as shared:
                for layer in shared.layers:
                    shared.measure(layer, x)
                shared.combine()
                x = blend_tiles(attention, x, side, side // 4, "attention")
        elif attention is not None:
            x = attention(x)
        x = resnet(x, None)
    return x


def levels(blocks: Any) -> Any:
    """Return ``blocks`` of a VAE; InputError if they cannot be computed in tiles."""
    if any(getattr(block, "attentions", None) for block in blocks):
        raise InputError("this VAE has attention outside its middle, which tiles cannot do; use --tile-vae 0")
    return blocks


def in_stages(stages: list[list[nn.Module]], x: Tensor, width: int, tiling: Tiling, what: str) -> Tensor:
    """Apply the ``stages`` one after the other to one image, ``width`` latent pixels wide."""
    for stage in tqdm(stages, desc=what, unit="block", leave=False):
        x = piecewise(stage, x, tiling.vae * x.shape[-1] // width // 2)
    return x


def encode(vae: AutoencoderKL, image: Tensor, tiling: Tiling) -> Tensor:
    """Return mean and log-variance (N, 2C, h, w) of the latents of ``image`` (N, 3, H, W), whose sides fit the VAE."""
    encoder: Any = vae.encoder
    width = image.shape[-1] // 2 ** (len(encoder.down_blocks) - 1)
    stages: list[list[nn.Module]] = []
    before = [encoder.conv_in]
    for block in levels(encoder.down_blocks):
        for resnet in block.resnets:
            stages.append([*before, resnet])
            before = []
        stages[-1] += list(block.downsamplers or [])
    moments = []
    for one in image.chunk(len(image)):
        x = middle(encoder.mid_block, in_stages(stages, one, width, tiling, "encoding"), 2 * tiling.vae)
        moments.append(chain([encoder.conv_norm_out, encoder.conv_act, encoder.conv_out], x))
    result = torch.cat(moments)
    return vae.quant_conv(result) if vae.quant_conv is not None else result


def decode(vae: AutoencoderKL, latent: Tensor, tiling: Tiling) -> Tensor:
    """Decode ``latent`` (N, C, h, w), already divided by the scaling factor, to an image (N, 3, H, W)."""
    decoder: Any = vae.decoder
    latent = vae.post_quant_conv(latent) if vae.post_quant_conv is not None else latent
    stages: list[list[nn.Module]] = []
    before: list[nn.Module] = []
    for block in levels(decoder.up_blocks):
        for resnet in block.resnets:
            stages.append([*before, resnet])
            before = []
        before = list(block.upsamplers or [])
    stages[-1] += [decoder.conv_norm_out, decoder.conv_act, decoder.conv_out]
    images = []
    for one in latent.chunk(len(latent)):
        x = middle(decoder.mid_block, decoder.conv_in(one), 2 * tiling.vae)
        images.append(in_stages(stages, x, latent.shape[-1], tiling, "decoding"))
    return torch.cat(images)
