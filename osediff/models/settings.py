"""Settings of backbones: entries of config/backbones.yaml, and the recipe of the demo's backbone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from osediff.common.artifacts.model import Artifact
from osediff.common.settings import Positive, Probability, Seed, Settings, Text
from osediff.data.degradation_recipe import Degradation

Count = Annotated[int, Field(ge=1, le=10**9)]
Weight = Annotated[float, Field(ge=0)]


class NetworkSizes(Settings):
    """Keyword arguments of each part's configuration in diffusers and transformers."""

    vae: dict[str, Any]
    unet: dict[str, Any]
    text_encoder: dict[str, Any]
    scheduler: dict[str, Any]


class StageBase(Settings):
    """Settings of every stage of the demo backbone's training."""

    name: Text
    steps: Count
    batch: Count
    """Batch of one process."""
    learning_rate: Positive
    """Learning rate of AdamW: for biases, norms, embeddings, first and last layer."""
    hidden_learning_rate: Positive
    """Learning rate of Muon: for every other weight."""


class VAEStage(StageBase):
    """A stage that trains the VAE."""

    trains: Literal["vae"]
    kl_weight: Weight
    color_weight: Weight
    """Weight of the error of each channel's difference from gray."""
    perceptual_weight: Weight
    """Weight of LPIPS-VGG."""


class UNetStage(StageBase):
    """A stage that trains the UNet and the text encoder."""

    trains: Literal["unet"]
    crops: Count
    """Number of crops that one process encodes before it trains."""
    degraded_share: Probability
    """Share of crops that are degraded."""
    caption_dropout: Probability
    """Share of clean crops without caption."""
    late_share: Probability
    """Share of timesteps that are drawn from the last third."""


class BackboneRecipe(Settings):
    """How the demo's backbone is trained (osediff.demo_backbone.train)."""

    seed: Seed
    crop: Annotated[int, Field(ge=16, le=16384, multiple_of=8)]
    """Side of the training crops in pixels."""
    degradation: str
    """Id of config/degradations.yaml."""
    negative_prompt: str
    """Words of the prompts of degraded crops."""
    captions: dict[str, str]
    """Tags of each photograph."""
    sizes: NetworkSizes
    checkpoint_every: Count
    """Steps between two saved states."""
    stages: Annotated[tuple[Annotated[VAEStage | UNetStage, Field(discriminator="trains")], ...], Field(min_length=1)]


class DemoBackboneSpec(Settings):
    """Settings of ``python -m osediff.demo_backbone.train``."""

    recipe: BackboneRecipe
    degradation: Degradation
    """The degradation that the recipe names."""


class RandomBackbone(Settings):
    """A backbone with random weights; its results are never in a table."""

    seed: Seed
    words: Text
    """Words that its tokenizer knows."""
    sizes: NetworkSizes


class Backbone(Settings):
    """An entry of config/backbones.yaml."""

    title: Text
    folder: Text
    """Its folder in diffusers' layout: vae/ unet/ text_encoder/ tokenizer/ scheduler/."""
    license: Text
    download: Artifact | None = None
    """The artifact that a rule fetches."""
    random: RandomBackbone | None = None
    photos: str | None = None
    """The photo set on which a rule trains it."""
    recipe: BackboneRecipe | None = None

    @model_validator(mode="after")
    def _check_pairs(self) -> Backbone:
        if (self.recipe is None) != (self.photos is None):
            raise ValueError("needs both recipe and photos, or neither")
        return self
