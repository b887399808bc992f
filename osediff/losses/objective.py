"""The losses of one training step (Algorithm 1): the generator's loss, then the regularizer's loss.

    objective = Objective(generator, recipe.loss)
    total, terms, critic_input = objective.generator_loss(lq, hq, text, negative_embeds, rng)  # generator step
    terms |= objective.regularizer_loss(critic_input, hq, text, rng)  # regularizer step

Random numbers are drawn in a fixed order: for the posterior of the encoder, the generator's regularization term, and
the regularizer's loss. So variants with one seed have the same noise and timesteps.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from osediff.losses import perceptual
from osediff.losses.gan import GAN
from osediff.losses.vsd import VSD
from osediff.models.generator import Generator
from osediff.models.sample_rng import SampleRNG
from osediff.recipe import GANLoss, LoraScope, Loss, NoRegularizer, VSDLoss


class Regularizer(Protocol):
    """The interface of every kind of regularizer (``osediff.losses.vsd.VSD``, ``osediff.losses.gan.GAN``)."""

    name: str
    """Name of the generator's term in the log."""
    critic_name: str
    """Name of the regularizer's loss in the log."""

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return the parameters that the regularizer step trains, by name."""

    def buffers(self) -> dict[str, Tensor]:
        """Return tensors that a training state holds besides the parameters, by name."""

    def critic_input(self, restored: Tensor, latent: Tensor) -> Tensor:
        """Return the regularizer's input: restored images (N, 3, H, W) or their latents (N, C, h, w)."""

    def loss(self, critic_input: Tensor, text: Tensor, negative_embeds: Tensor, rng: SampleRNG) -> Tensor:
        """Return the generator's term."""

    def critic_loss(self, critic_input: Tensor, hq: Tensor, text: Tensor, rng: SampleRNG) -> Tensor:
        """Return the regularizer's loss."""


class GeneratorLoss(NamedTuple):
    """Loss of a generator step: the weighted total, its unweighted terms by name, and the regularizer's input."""

    total: Tensor
    terms: dict[str, Tensor]
    critic_input: Tensor


def regularizer_scope(loss: Loss) -> LoraScope | None:
    """Return which of the UNet's layers the regularizer adapts, or None if it has no LoRA."""
    return loss.regularizer.lora_scope if isinstance(loss.regularizer, VSDLoss) else None


def make_regularizer(generator: Generator, loss: Loss, teacher: UNet2DConditionModel | None) -> Regularizer | None:
    """Build the regularizer of ``loss`` on ``generator``; None if the loss is the data term alone."""
    if isinstance(loss.regularizer, VSDLoss):
        return VSD(generator, loss.regularizer, teacher)
    return GAN(generator, loss.discriminator) if isinstance(loss.regularizer, GANLoss) else None


class Objective:
    """The losses of a recipe on a ``generator`` (Eqs. 5 and 8).

    ``teacher``: for VSD in the official precision, a copy of the pretrained UNet in half precision.
    """

    def __init__(self, generator: Generator, settings: Loss, teacher: UNet2DConditionModel | None = None) -> None:
        self.generator, self.settings = generator, settings
        self.distance = perceptual.KINDS[perceptual.available_kind(settings.perceptual)](generator)
        self.regularizer = make_regularizer(generator, settings, teacher)

    def generator_loss(
        self, lq: Tensor, hq: Tensor, text: Tensor, negative_embeds: Tensor, rng: SampleRNG
    ) -> GeneratorLoss:
        """Compute Eq. 8.

        ``lq`` and ``hq``: images (N, 3, H, W) in [-1, 1]. ``text`` and ``negative_embeds``: embeddings
        (N, tokens, channels).
        """
        restored, latent = self.generator(lq, text, rng)
        terms = {"mse": F.mse_loss(restored, hq), "perceptual": self.distance(restored, hq)}
        total = self.settings.mse * terms["mse"] + self.settings.perceptual.weight * terms["perceptual"]
        if self.regularizer is None or isinstance(self.settings.regularizer, NoRegularizer):
            return GeneratorLoss(total, terms, latent.detach())
        critic_input = self.regularizer.critic_input(restored, latent)
        term = self.regularizer.loss(critic_input, text, negative_embeds, rng)
        terms[self.regularizer.name] = term
        return GeneratorLoss(total + self.settings.regularizer.weight * term, terms, critic_input.detach())

    def regularizer_loss(self, critic_input: Tensor, hq: Tensor, text: Tensor, rng: SampleRNG) -> dict[str, Tensor]:
        """Compute the regularizer's loss (Eq. 9), by its name; empty if there is no regularizer."""
        if self.regularizer is None:
            return {}
        return {self.regularizer.critic_name: self.regularizer.critic_loss(critic_input, hq, text, rng)}
