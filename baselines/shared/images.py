"""Conversion between images and the batches that networks take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from osediff.common.errors import InputError

SCALE_FACTOR = 4  # of every baseline


def to_batch(lr: np.ndarray, device: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """Convert uint8 (H, W, 3) to (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(lr.transpose(2, 0, 1).copy()).float().div(255)[None].to(device, dtype)


def to_image(batch: Tensor) -> np.ndarray:
    """Convert (1, 3, H, W) in [0, 1] to uint8 (H, W, 3).

    Values are clipped and rounded half to even, as NumPy rounds in the official scripts.
    """
    return batch[0].float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()


def least_size(size: tuple[int, int], process_size: int) -> tuple[int, int]:
    """Return the size to which an LR image is enlarged first, so that 4x of its short side is ``process_size``.

    A larger image keeps its ``size``. The order of the two sides is that of ``size``.
    """
    ratio = max(1.0, process_size // SCALE_FACTOR / min(size))
    return int(ratio * size[0]), int(ratio * size[1])


def enlarge(lr: Image.Image, process_size: int, last: Image.Resampling = Image.Resampling.BICUBIC) -> Image.Image:
    """Enlarge an LR image to 4x (PIL's bicubic), its short side at least ``process_size``, sides multiples of 8.

    Args:
        lr: the image. If it is too small, it is enlarged to a quarter of ``process_size`` first.
        process_size: pixels.
        last: how a side that is no multiple of 8 is made smaller.
    """
    lr = lr.resize(least_size(lr.size, process_size))
    image = lr.resize((lr.width * SCALE_FACTOR, lr.height * SCALE_FACTOR))
    return image.resize((image.width // 8 * 8, image.height // 8 * 8), last)


def reflect(lr: Tensor, multiple: int) -> Tensor:
    """Reflect (1, 3, H, W) below and to the right, so that both sides are multiples of ``multiple``.

    Raises:
        InputError: the image is too small to be reflected that far.
    """
    height, width = lr.shape[2:]
    below, right = -height % multiple, -width % multiple
    if below >= height or right >= width:
        need = f"this method needs sides of more than {multiple // 2} pixels"
        raise InputError(f"an LR image of {width}x{height}: {need}")
    return functional.pad(lr, (0, right, 0, below), mode="reflect")


def restore_tiles(tiles: Any, restore: Callable[[Tensor], Tensor]) -> Tensor:
    """Restore the tiles of an official ``ImageSpliterTh`` one after the other and return the whole image.

    ResShift's class is in the repositories of several methods, which differ in how they weight tiles that overlap.
    """
    for tile, place in tiles:
        tiles.update(restore(tile), place)
    whole: Tensor = tiles.gather()
    return whole
