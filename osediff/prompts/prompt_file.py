"""The file of an image set's prompts, and the settings of its extraction. This module does not import torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from osediff.common.errors import InputError
from osediff.common.files import read_json
from osediff.common.settings import ScaleFactor, Seed, Settings, parse
from osediff.recipe import ModelRecipe, PairRecipe, StreamRecipe

ExtractorName = Literal["ram", "dape", "llava"]


class FolderImages(Settings):
    """The images of a folder, upsampled as restoration does."""

    kind: Literal["folder"]
    scale_factor: ScaleFactor = 1
    """1: images are not upsampled."""
    process_size: Annotated[int, Field(ge=1, le=16384)] = 512
    """Smallest side, in pixels, of an upsampled image."""


class StreamImages(Settings):
    """The crops that a training sees."""

    kind: Literal["stream"]
    recipe: StreamRecipe
    seed: Seed = 0
    image: Literal["lq", "hq"] = "lq"
    """The image of a pair that the extractor describes."""
    workers: Annotated[int, Field(ge=0, le=1024)] = 0
    """Processes that degrade photographs."""


class ExtractionSpec(Settings):
    """Settings of ``python -m osediff.prompts.extract``."""

    extractor: ExtractorName
    images: Annotated[FolderImages | StreamImages, Field(discriminator="kind")]
    device: str = "cpu"
    precision: Literal["fp32", "fp16"] = "fp32"
    """Precision of the extractor's network."""


class FolderSource(Settings):
    """The images of a folder to which the prompts belong."""

    kind: Literal["folder"]
    scale_factor: int
    process_size: int
    sha256: dict[str, str]
    """Of each image, by stem."""


class StreamSource(Settings):
    """The training stream to which the prompts belong."""

    kind: Literal["stream"]
    pairs: PairRecipe
    seed: Seed
    photos: str
    """Hash of the folder of photographs."""
    image: Literal["lq", "hq"]


class PromptSource(Settings):
    """Everything that decides the prompts of a file."""

    extractor: ExtractorName
    weights: dict[str, str]
    """sha256 by file."""
    precision: Literal["fp32", "fp16"]
    device: str
    images: Annotated[FolderSource | StreamSource, Field(discriminator="kind")]


class PromptFile(Settings):
    """``prompts.json``."""

    made_by: PromptSource
    prompts: dict[str, str]
    """The prompts, by stem of an image or number of a pair."""
    seconds: Annotated[float, Field(ge=0)]
    """Median time of one image, without reading it and without the first image."""


def read_prompt_file(path: Path) -> PromptFile:
    """Read a file of ``python -m osediff.prompts.extract``; InputError if it is another file."""
    return parse(read_json(path), PromptFile, str(path))


def pick_prompts(path: Path, content: PromptFile, names: list[str]) -> list[str]:
    """Return the prompts of ``names`` from the file ``path`` with that ``content``; InputError if one has none."""
    missing = sorted(set(names) - content.prompts.keys())
    if missing:
        raise InputError(f"{path}: no prompt for {missing[0]} ({len(missing)} images); extract them from this folder")
    return [content.prompts[name] for name in names]


def read_folder_prompts(path: Path, stems: list[str], recipe: ModelRecipe) -> tuple[dict[str, str], PromptSource]:
    """Read the prompts of the images ``stems`` of a test set, and their source.

    Raises:
        InputError: the file is not a prompt file, lacks an image, or was extracted at another size than that at which
            the variant of ``recipe`` restores.
    """
    content = read_prompt_file(path)
    images = content.made_by.images
    if not isinstance(images, FolderSource):
        raise InputError(f"{path}: prompts of a training stream; extract those of the LR images")
    for key, needed in (("scale_factor", recipe.scale_factor), ("process_size", recipe.process_size)):
        if getattr(images, key) != needed:
            raise InputError(
                f"{path}: extracted at {key} {getattr(images, key)}, the variant restores at {needed}; extract again"
            )
    return dict(zip(stems, pick_prompts(path, content, stems), strict=True)), content.made_by


def stream_names(pairs: int, validation: int) -> list[str]:
    """Return the names of a training stream's prompts: of its ``pairs``, then of the ``validation`` pairs."""
    return [str(n) for n in range(pairs)] + [f"validation-{n}" for n in range(validation)]


def pair_recipe(recipe: PairRecipe) -> PairRecipe:
    """Return the part of ``recipe`` that decides the training pairs."""
    return PairRecipe.model_validate({name: getattr(recipe, name) for name in PairRecipe.model_fields})


def read_stream_prompts(
    path: Path, recipe: StreamRecipe, seed: int, photos: str, validation: int
) -> tuple[list[str], PromptSource]:
    """Read the prompts of a training stream in the order of ``stream_names``, and their source.

    ``photos``: hash of the folder of photographs.

    Raises:
        InputError: they belong to another stream, or one is missing.
    """
    content = read_prompt_file(path)
    images = content.made_by.images
    if not isinstance(images, StreamSource):
        raise InputError(f"{path}: prompts of a folder of images; extract those of the training stream")
    needed = {**dict(pair_recipe(recipe)), "seed": seed, "photos": photos}
    stored = {**dict(images.pairs), "seed": images.seed, "photos": images.photos}
    differing = [key for key, value in needed.items() if stored[key] != value]
    if differing:
        raise InputError(f"{path}: prompts of another training stream, its {differing[0]} differs; extract them anew")
    return pick_prompts(path, content, stream_names(recipe.steps * recipe.batch, validation)), content.made_by
