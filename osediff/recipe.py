"""The typed recipe of a variant: everything that decides its weights besides photographs, backbone and seed.

A training reads a ``Recipe``, and a checkpoint contains it as ``recipe.json``. ``ModelRecipe`` is the part that
restoration needs, ``PairRecipe`` the part that decides the training pairs. This module does not import torch, so that
planning can use it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from osediff.common.errors import InputError
from osediff.common.files import read_json, read_object
from osediff.common.settings import Positive, ScaleFactor, Seed, Settings, parse
from osediff.data.degradation_recipe import Degradation
from osediff.outcome import PROVENANCE

Weight = Annotated[float, Field(ge=0)]
Rank = Annotated[int, Field(ge=1, le=1280)]
Count = Annotated[int, Field(ge=1, le=10**9)]
LoraScope = Literal["all", "mid-block"]
ColorFix = Literal["adain", "wavelet", "none"]
Precision = Literal["fp32", "bf16", "fp16"]
TrainingPrecision = Literal["compute", "official-fp16", "official-bf16"]
Posterior = Literal["sample", "mode"]
Quantization = Literal["rounded", "official"]
Sizes = Literal["padded", "official"]
Compile = Literal["none", "default", "cuda-graphs"]
Sampling = Literal["with-replacement", "epochs"]
UpsampleMode = Literal["area", "bilinear", "bicubic"]
TIMESTEPS = 1000  # T of SD 2.1-base's noise schedule
OFFICIAL_PROCESS_SIZE = 512  # of the official test script; its checkpoints do not hold it


class LoraTargets(Settings):
    """The networks of the generator that have LoRA (Table 7)."""

    vae_encoder: bool
    vae_decoder: bool
    unet: bool


class PerceptualLoss(Settings):
    """Perceptual part of the data term (Eq. 5)."""

    kind: Literal["encoder-features", "lpips-vgg"]
    """lpips-vgg is that of the paper; encoder-features needs no download."""
    weight: Weight
    """Lambda 1 of Eq. 5."""
    fallback: Literal["encoder-features"] | None = None
    """The kind that replaces lpips-vgg if its weights are missing; null: training stops."""


class VSDLoss(Settings):
    """Variational score distillation (Eqs. 6 to 10)."""

    kind: Literal["vsd"]
    domain: Literal["latent", "image"]
    """The input of teacher and regularizer: the latent, or the restored image as in the paper's ablation (Table 3)."""
    weight: Weight
    """Lambda 2 of Eq. 8."""
    guidance: float
    """Classifier-free guidance of the teacher."""
    timesteps: tuple[Annotated[int, Field(ge=0, le=TIMESTEPS)], Annotated[int, Field(ge=0, le=TIMESTEPS)]]
    """Range of the timestep, without its upper end."""
    negative_prompt: str
    """The prompt from which the teacher is guided away."""
    lora_scope: LoraScope
    """Layers that the regularizer's LoRA adapts: all, as in the paper, or the mid-block, as in the official code."""

    @model_validator(mode="after")
    def _check_timesteps(self) -> Self:
        low, high = self.timesteps
        if low >= high:
            raise ValueError(f"timesteps must rise, not {[low, high]}")
        return self


class GANLoss(Settings):
    """Adversarial loss in place of VSD (Table 3)."""

    kind: Literal["gan"]
    weight: Weight


class NoRegularizer(Settings):
    """The data term alone (Table 3)."""

    kind: Literal["none"]


RegularizerLoss = Annotated[VSDLoss | GANLoss | NoRegularizer, Field(discriminator="kind")]


class Loss(Settings):
    """Weights and kinds of the generator's loss (Eq. 8)."""

    mse: Weight
    """Weight of the mean squared error."""
    perceptual: PerceptualLoss
    regularizer: RegularizerLoss
    discriminator: Literal["encoder", "clip"]
    """The network whose features the discriminator of a GAN loss gets; other losses do not use it."""

    @property
    def networks(self) -> tuple[str, ...]:
        """Networks from outside that the loss needs, by their names in the registries of artifacts."""
        perceptual = ["lpips-vgg"] if self.perceptual.kind == "lpips-vgg" else []
        clip = isinstance(self.regularizer, GANLoss) and self.discriminator == "clip"
        return (*perceptual, *(["clip-vit-base-patch32"] if clip else []))


class Optimizer(Settings):
    """AdamW of the generator and of the regularizer."""

    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
    weight_decay: Weight
    gradient_clip: Positive
    """Largest norm of a step's gradient."""


class ModelRecipe(Settings):
    """The part of a checkpoint's recipe that restoration needs."""

    rank_vae: Rank
    """LoRA rank in the VAE."""
    rank_unet: Rank
    """LoRA rank in the UNet, of the generator and of the regularizer."""
    alpha: Annotated[int, Field(ge=1, le=1280)]
    """The scale of LoRA is alpha / rank."""
    lora_targets: LoraTargets
    scale_factor: ScaleFactor
    process_size: Annotated[int, Field(ge=1, le=16384)]
    """Smallest side, in pixels, at which images are restored; smaller images are upsampled to it."""
    color_fix: ColorFix
    timestep: Annotated[int, Field(ge=0, le=999)] = 999
    """Diffusion step at which the generator predicts the noise (Eq. 3); the paper's is the last."""


class PairRecipe(Settings):
    """The part of a recipe that, with photographs and seed, decides the training pairs."""

    crop: Annotated[int, Field(ge=16, le=16384, multiple_of=8)]
    """Side of an HQ crop in pixels."""
    scale_factor: ScaleFactor
    degradation: Degradation | None
    """Null: the photographs come in pairs, and their LR images are the degraded ones."""
    sampling: Sampling = "with-replacement"
    """Order of the photographs: each is drawn from all of them, or from a shuffled epoch as in the official code."""
    upsample_modes: Annotated[tuple[UpsampleMode, ...], Field(min_length=1)]
    """Ways to upsample the LR crop to the size of the HQ crop; one is drawn for each pair."""

    @model_validator(mode="after")
    def _check_modes(self) -> Self:
        if len(set(self.upsample_modes)) < len(self.upsample_modes):
            raise ValueError("upsample_modes: a mode stands twice")
        return self

    @model_validator(mode="after")
    def _check_crop(self) -> Self:
        if self.crop % self.scale_factor:
            raise ValueError(f"crop: must be a multiple of the scale factor, {self.scale_factor}")
        return self


class StreamRecipe(PairRecipe):
    """The stream of training pairs of a training of ``steps`` steps."""

    batch: Annotated[int, Field(ge=1, le=65536)]
    """Number of pairs of one step, on all devices together."""
    steps: Count


class Recipe(ModelRecipe, StreamRecipe):
    """Everything that decides the weights of a variant besides photographs, backbone and seed."""

    loss: Loss
    prompts: str
    """Name of the prompts in config/prompts.yaml that the variant is trained with."""
    precision: TrainingPrecision = "compute"
    """That of ``Compute``, or that of the official script with this ``mixed_precision``: frozen weights in float32, the
    generator and LPIPS with autocast, the teacher wholly in half precision, the regularizer wholly in float32."""
    learning_rate: Positive
    schedule: Literal["constant", "cosine"]
    """Schedule of the learning rate; cosine falls to zero at the last step."""
    optimizer: Optimizer
    checkpoint_every: Count
    """Steps between two saved training states."""
    validate_every: Count
    """Steps between two measurements on the validation crops."""


class Compute(Settings):
    """How a training is computed; none of it is part of the recipe."""

    precision: Precision = "fp32"
    """Precision of the frozen weights and of the activations; adapters are always trained in float32.

    A recipe whose ``precision`` is not ``compute`` does not use it."""
    micro_batch: Annotated[int, Field(ge=1)] | None = None
    """Largest number of samples in memory at once on a device; null: all samples of the device."""
    gradient_checkpointing: bool = False
    """Whether activations are computed again in the backward pass: less memory, more time."""
    workers: Annotated[int, Field(ge=0, le=1024)] = 0
    """Number of processes that degrade photographs."""


class TrainingSpec(Settings):
    """Settings of ``python -m osediff.train``."""

    recipe: Recipe
    compute: Compute = Compute()
    device: str = "cpu"
    """A device of torch: cpu, cuda, cuda:1."""
    threads: Annotated[int, Field(ge=1, le=4096)] | None = None
    """CPU threads; the weights depend on their number. Null: as torch chooses."""
    seed: Seed = 0

    @property
    def official_half(self) -> Precision | None:
        """Return the half precision of a recipe with an official precision; None for other recipes."""
        halves: dict[TrainingPrecision, Precision] = {"official-fp16": "fp16", "official-bf16": "bf16"}
        return halves.get(self.recipe.precision)

    @property
    def weights_precision(self) -> Precision:
        """Return the precision of the frozen weights."""
        return "fp32" if self.official_half else self.compute.precision

    @property
    def mixed_precision(self) -> Precision:
        """Return the precision of autocast."""
        return self.official_half or self.compute.precision


def read_model_recipe(path: Path) -> ModelRecipe:
    """Read the ``recipe.json`` of a checkpoint: of a training (a ``Recipe``), or of a converted official checkpoint.

    Raises:
        InputError: the file is absent, not JSON, or not a recipe, or not the one that ``provenance.json`` beside it
            holds.
    """
    content = read_json(path)
    provenance = path.with_name(PROVENANCE)
    if provenance.exists() and read_object(provenance).get("recipe", content) != content:
        raise InputError(f"{path}: is not the recipe that {PROVENANCE} beside it holds; train the variant again")
    trained = isinstance(content, dict) and "loss" in content
    return parse(content, Recipe if trained else ModelRecipe, str(path))
