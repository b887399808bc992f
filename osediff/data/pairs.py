"""Training pairs: a random crop of a photograph (HQ) and the same crop degraded and enlarged again (LQ)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from osediff.common.errors import InputError
from osediff.common.images import list_images, read_rgb
from osediff.data.degradation import degraded, resized

KEPT = 2**30  # bytes of decoded photographs that are kept


class TrainingPairs(Dataset[tuple[Tensor, Tensor]]):
    """Pair ``n`` of an endless, fixed sequence: LQ and HQ, float (3, crop, crop) in [-1, 1].

    A pair depends on ``seed`` and ``n`` alone, so every variant trained with one seed sees the same pairs in the same
    order, whatever its batch, its number of workers, or where it was interrupted.

    ``recipe`` keys: ``crop`` (pixels), ``scale_factor``, ``degradation`` (a recipe of osediff.data.degradation) and
    ``enlarge_modes`` (how the LR crop is enlarged back: any of area, bilinear, bicubic).
    """

    def __init__(self, folder: Path, recipe: dict[str, Any], seed: int, pairs: int) -> None:
        self.paths = list(list_images(folder).values())
        self.recipe, self.seed, self.pairs = recipe, seed, pairs
        self.kept: dict[int, np.ndarray] = {}
        self.room = KEPT
        for path in self.paths:
            with Image.open(path) as photo:  # reads the header only
                width, height = photo.size
            if min(width, height) < recipe["crop"]:
                raise InputError(
                    f"{path}: {width}x{height} is smaller than the training crop of {recipe['crop']} pixels"
                )

    def __len__(self) -> int:
        return self.pairs

    def photo(self, n: int) -> str:
        """Name of the photograph that pair ``n`` is cut from."""
        return self.paths[int(np.random.default_rng([self.seed, n]).integers(len(self.paths)))].stem

    def pixels(self, index: int) -> np.ndarray:
        """Photograph ``index``, uint8 (H, W, 3), decoded once as long as there is room for it."""
        if index in self.kept:
            return self.kept[index]
        photo = read_rgb(self.paths[index])
        if photo.nbytes <= self.room:
            self.kept[index] = photo
            self.room -= photo.nbytes
        return photo

    def __getitem__(self, n: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.seed, n])
        crop, scale_factor = self.recipe["crop"], self.recipe["scale_factor"]
        photo = self.pixels(int(rng.integers(len(self.paths))))
        top, left = (int(rng.integers(extent - crop + 1)) for extent in photo.shape[:2])
        hq = photo[top : top + crop, left : left + crop]
        if rng.random() < 0.5:
            hq = hq[:, ::-1]
        lr = degraded(hq, self.recipe["degradation"], scale_factor, rng)
        # To 8 bits once, after the enlargement, as the released code does.
        lq = (resized(lr, (crop, crop), str(rng.choice(self.recipe["enlarge_modes"]))) * 255).round().clip(0, 255)
        return as_tensor(lq), as_tensor(hq)


def as_tensor(image: np.ndarray) -> Tensor:
    """(3, H, W) in [-1, 1] from (H, W, 3) in [0, 255]."""
    return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).permute(2, 0, 1) / 127.5 - 1


def as_image(tensor: Tensor) -> np.ndarray:
    """uint8 (H, W, 3) from (3, H, W) in [-1, 1]."""
    return ((tensor.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
