"""Settings of prompts: config/prompts.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from osediff.common.artifacts.model import Artifact
from osediff.common.settings import Name, Settings, Text

Extractor = Literal["ram", "dape", "llava"]


class TrainingPrompts(Settings):
    """The extractor of the prompts of training pairs, and the image that it describes."""

    extractor: Extractor
    image: Literal["lq", "hq"]
    """The image of a training pair that the extractor describes."""


class PromptConfig(Settings):
    """The prompts of a variant; without extractors, every prompt is empty."""

    title: Text
    training: TrainingPrompts | None = None
    restoration: Extractor | None = None

    @model_validator(mode="after")
    def _check_both(self) -> PromptConfig:
        if (self.training is None) != (self.restoration is None):
            raise ValueError("needs both training and restoration, or neither")
        return self


class ExtractorEntry(Settings):
    """The files that an extractor needs."""

    weights: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Ids of weights."""
    published: Text
    """Name of the row in Table 4 of config/published with its time, or that of an extractor of the same network."""


class PromptRegistry(Settings):
    """The content of config/prompts.yaml."""

    prompts: Annotated[dict[Name, PromptConfig], Field(min_length=1)]
    extractors: dict[Extractor, ExtractorEntry]
    weights: dict[Name, Artifact]
