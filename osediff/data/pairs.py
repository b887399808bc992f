"""Training pairs: a random crop of a photograph (HQ) and the same crop degraded and upsampled again (LQ)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from osediff.common.errors import InputError
from osediff.common.images import list_images, read_rgb, rgb_size
from osediff.data.degradation import degrade_unrounded, resize
from osediff.recipe import PairRecipe

CACHE_BYTES = 2**30  # of decoded photographs
VALIDATION_PAIRS = 4
VALIDATION_SEED = 2**31 - 1  # of these pairs and of their noise, whatever the training's seed is


class TrainingPairs(Dataset[tuple[Tensor, Tensor]]):
    """Pair ``n`` of an endless, fixed sequence: LQ and HQ, float (3, crop, crop) in [-1, 1].

    A pair depends on ``seed`` and ``n`` alone, so every variant trained with one seed sees the same pairs in the same
    order, whatever its batch, its number of workers, or where it was interrupted.
    """

    def __init__(self, folder: Path, recipe: PairRecipe, seed: int, pairs: int) -> None:
        """Check the size of every photograph in ``folder``; InputError if one is smaller than the crop."""
        self.paths = list(list_images(folder).values())
        self.recipe, self.seed, self.pairs = recipe, seed, pairs
        self.cache: dict[int, np.ndarray] = {}
        self.room = CACHE_BYTES
        for path in self.paths:
            width, height = rgb_size(path)
            if min(width, height) < recipe.crop:
                raise InputError(f"{path}: {width}x{height} is smaller than the training crop of {recipe.crop} pixels")

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self.pairs

    def photo(self, n: int) -> str:
        """Return the name of the photograph that pair ``n`` is cut from."""
        return self.paths[int(np.random.default_rng([self.seed, n]).integers(len(self.paths)))].stem

    def pixels(self, index: int) -> np.ndarray:
        """Return photograph ``index``, uint8 (H, W, 3), decoded once as long as there is room for it."""
        if index in self.cache:
            return self.cache[index]
        photo = read_rgb(self.paths[index])
        if photo.nbytes <= self.room:
            self.cache[index] = photo
            self.room -= photo.nbytes
        return photo

    def __getitem__(self, n: int) -> tuple[Tensor, Tensor]:
        """Return LQ and HQ of pair ``n``."""
        rng = np.random.default_rng([self.seed, n])
        crop, scale_factor = self.recipe.crop, self.recipe.scale_factor
        photo = self.pixels(int(rng.integers(len(self.paths))))
        top, left = (int(rng.integers(extent - crop + 1)) for extent in photo.shape[:2])
        hq = photo[top : top + crop, left : left + crop]
        if rng.random() < 0.5:
            hq = hq[:, ::-1]
        lr = degrade_unrounded(hq, self.recipe.degradation, scale_factor, rng)
        # To 8 bits once, after the upsampling, as the official code does.
        lq = (resize(lr, (crop, crop), str(rng.choice(self.recipe.upsample_modes))) * 255).round().clip(0, 255)
        return as_tensor(lq), as_tensor(hq)


def as_tensor(image: np.ndarray) -> Tensor:
    """Convert (H, W, 3) in [0, 255] to (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).permute(2, 0, 1) / 127.5 - 1


def as_image(tensor: Tensor) -> np.ndarray:
    """Convert (3, H, W) in [-1, 1] to uint8 (H, W, 3)."""
    return ((tensor.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
