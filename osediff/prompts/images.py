"""The images that prompts are extracted from: a folder, or the crops of a training stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from osediff.common.files import sha256
from osediff.common.images import list_images, read_rgb
from osediff.data.pairs import VALIDATION_PAIRS, VALIDATION_SEED, TrainingPairs
from osediff.data.photo_list import PhotoList
from osediff.data.upsampling import upsample
from osediff.prompts.prompt_file import (
    FolderImages,
    FolderSource,
    StreamImages,
    StreamSource,
    pair_recipe,
    stream_names,
)


class ImageSet(Protocol):
    """Images by name."""

    names: list[str]

    @property
    def source(self) -> FolderSource | StreamSource:
        """Return the description of the images."""

    def read(self, names: list[str]) -> Iterator[Tensor]:
        """Yield the images of ``names``, a part of all in their order, (3, H, W) in [0, 1]."""


class FolderSet:
    """The images of ``folder``, by stem, upsampled as ``settings`` says."""

    def __init__(self, settings: FolderImages, folder: Path) -> None:
        self.settings, self.paths = settings, list_images(folder)
        self.names = list(self.paths)
        self.source = FolderSource(
            kind="folder",
            scale_factor=settings.scale_factor,
            process_size=settings.process_size,
            sha256={stem: sha256(path) for stem, path in self.paths.items()},
        )

    def read(self, names: list[str]) -> Iterator[Tensor]:
        """Yield the images of ``names``, (3, H, W) in [0, 1]; at a scale factor of 1, as they are."""
        for name in names:
            image = read_rgb(self.paths[name])
            if self.settings.scale_factor > 1:
                image = upsample(image, self.settings.scale_factor, self.settings.process_size)
            yield torch.tensor(image).permute(2, 0, 1).float() / 255


class StreamSet:
    """The crops of a training stream on ``photos``: those of its pairs, then those of the validation pairs."""

    def __init__(self, settings: StreamImages, photos: PhotoList) -> None:
        self.settings, self.photos = settings, photos
        self.pairs = settings.recipe.steps * settings.recipe.batch
        self.names = stream_names(self.pairs, VALIDATION_PAIRS)
        self.source = StreamSource(
            kind="stream",
            pairs=pair_recipe(settings.recipe),
            seed=settings.seed,
            photos=photos.digest,
            image=settings.image,
        )

    def read(self, names: list[str]) -> Iterator[Tensor]:
        """Yield the crops of ``names``, (3, crop, crop) in [0, 1]."""
        of_training = [int(name) for name in names if name.isdecimal()]
        of_validation = [int(name.removeprefix("validation-")) for name in names if not name.isdecimal()]
        yield from self._crops(self.settings.seed, self.pairs, of_training)
        yield from self._crops(VALIDATION_SEED, VALIDATION_PAIRS, of_validation)

    def _crops(self, seed: int, length: int, numbers: list[int]) -> Iterator[Tensor]:
        part = {"lq": 0, "hq": 1}[self.settings.image]
        pairs = TrainingPairs(self.photos, self.settings.recipe, seed, length)
        for pair in DataLoader(pairs, batch_size=None, sampler=numbers, num_workers=self.settings.workers):
            yield pair[part] / 2 + 0.5
