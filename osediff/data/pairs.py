"""Training pairs: a random crop of a photograph (HQ) and the same crop degraded and upsampled again (LQ).

If the photographs come in pairs, the LQ crop is the same crop of the LR image, upsampled.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from osediff.common.errors import InputError
from osediff.common.images import read_photo
from osediff.data.degradation import degrade_unrounded, resize
from osediff.data.photo_list import Photograph, PhotoList
from osediff.data.tensors import as_tensor
from osediff.recipe import PairRecipe

CACHE_BYTES = 2**30  # of decoded photographs
VALIDATION_PAIRS = 4
VALIDATION_SEED = 2**31 - 1  # of these pairs and of their noise, whatever the training's seed is


class TrainingPairs(Dataset[tuple[Tensor, Tensor]]):
    """Pair ``n`` of an endless, fixed sequence: LQ and HQ, float (3, crop, crop) in [-1, 1].

    A pair depends on ``seed`` and ``n`` alone, so every variant trained with one seed sees the same pairs in the same
    order, whatever its batch, its number of workers, or where it was interrupted.
    """

    def __init__(self, photos: PhotoList, recipe: PairRecipe, seed: int, pairs: int) -> None:
        """Check the size of every photograph, and pair them if the recipe has no degradation; InputError if not."""
        self.folder, self.recipe, self.seed, self.pairs = photos.folder, recipe, seed, pairs
        matched = photos.pairs(recipe.scale_factor) if recipe.degradation is None else []
        self.photos = [hr for hr, _ in matched] or list(photos.photos)
        self.lr = [lr for _, lr in matched]
        small = [photo for photo in self.photos if min(photo.width, photo.height) < recipe.crop]
        if small:
            first, others = small[0], f" (and {len(small) - 1} more)" if len(small) > 1 else ""
            size = f"{first.width}x{first.height} is smaller than the training crop of {recipe.crop} pixels{others}"
            raise InputError(f"{self.folder / first.name}: {size}")
        self.cache: dict[str, np.ndarray] = {}
        self.room = CACHE_BYTES
        self.epoch, self.order = -1, np.arange(0)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self.pairs

    def index(self, n: int, rng: np.random.Generator) -> int:
        """Return the number of the photograph that pair ``n`` is cut from.

        ``rng``: that of the pair. It draws a number in any case, so the crops do not depend on ``sampling``.
        """
        drawn = int(rng.integers(len(self.photos)))
        if self.recipe.sampling == "with-replacement":
            return drawn
        epoch, position = divmod(n, len(self.photos))
        if epoch != self.epoch:
            shuffle = np.random.default_rng([self.seed, epoch, 1])  # two numbers are the seed of a pair
            self.epoch, self.order = epoch, shuffle.permutation(len(self.photos))
        return int(self.order[position])

    def photo(self, n: int) -> str:
        """Return the name of the photograph that pair ``n`` is cut from, without its extension."""
        return self.photos[self.index(n, np.random.default_rng([self.seed, n]))].stem

    def pixels(self, photo: Photograph) -> np.ndarray:
        """Return ``photo`` as uint8 (H, W, 3), decoded once as long as there is room for it."""
        if photo.name in self.cache:
            return self.cache[photo.name]
        pixels = read_photo(self.folder / photo.name)
        if pixels.nbytes <= self.room:
            self.cache[photo.name] = pixels
            self.room -= pixels.nbytes
        return pixels

    def __getitem__(self, n: int) -> tuple[Tensor, Tensor]:
        """Return LQ and HQ of pair ``n``."""
        rng = np.random.default_rng([self.seed, n])
        crop, scale_factor = self.recipe.crop, self.recipe.scale_factor
        index = self.index(n, rng)
        photo = self.pixels(self.photos[index])
        step = 1 if self.recipe.degradation else scale_factor  # a crop of a pair begins at a pixel of the LR image
        top, left = (step * int(rng.integers((extent - crop) // step + 1)) for extent in photo.shape[:2])
        hq = photo[top : top + crop, left : left + crop]
        mirrored = rng.random() < 0.5
        if mirrored:
            hq = hq[:, ::-1]
        if self.recipe.degradation:
            lr = degrade_unrounded(hq, self.recipe.degradation, scale_factor, rng)
        else:
            below, right, side = top // scale_factor, left // scale_factor, crop // scale_factor
            given = self.pixels(self.lr[index])[below : below + side, right : right + side]
            lr = np.ascontiguousarray(given[:, ::-1] if mirrored else given, dtype=np.float32) / 255
        # To 8 bits once, after the upsampling, as the official code does.
        lq = (resize(lr, (crop, crop), str(rng.choice(self.recipe.upsample_modes))) * 255).round().clip(0, 255)
        return as_tensor(lq), as_tensor(hq)
