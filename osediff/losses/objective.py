"""What one training step minimizes (Algorithm 1): the generator's loss, then the regularizer's own.

    objective = Objective(generator, recipe["loss"])
    loss, terms, critic_input = objective.generator_loss(lq, hq, text, negative_embeds, rng)  # backward, its step
    terms |= objective.regularizer_loss(critic_input, hq, text, rng)  # backward, the second optimizer's step

Every kind of regularizer has the same members (see ``osediff.losses.vsd.VSD``): ``parameters``, ``buffers``,
``critic_input``, ``loss``, ``critic_loss``, and the names of its two losses. Random numbers are drawn in one order: posterior
of the encoder, then the regularizer's loss, then its own; so variants with one seed see the same noise and timesteps.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from osediff.losses import perceptual
from osediff.losses.gan import GAN
from osediff.losses.vsd import VSD
from osediff.models.generator import Generator
from osediff.training.sample_rng import SampleRNG

REGULARIZERS: dict[str, Any] = {"vsd": VSD, "gan": GAN}


def regularizer_scope(loss: dict[str, Any]) -> str | None:
    """Which of the UNet's layers the regularizer adapts: ``all``, ``mid-block``, or None where it has no LoRA."""
    return str(loss["regularizer"]["trains"]) if loss["regularizer"]["kind"] == "vsd" else None


class Objective:
    """The losses of a recipe on a ``generator``. ``settings`` is the recipe's ``loss``."""

    def __init__(self, generator: Generator, settings: dict[str, Any]) -> None:
        self.generator, self.settings = generator, settings
        self.distance = perceptual.KINDS[settings["perceptual"]["kind"]](generator)
        kind = REGULARIZERS.get(settings["regularizer"]["kind"])  # "none" has none
        self.regularizer: Any = kind(generator, settings) if kind else None

    def generator_loss(
        self, lq: Tensor, hq: Tensor, text: Tensor, negative_embeds: Tensor, rng: SampleRNG
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Eq. 8 on ``lq`` and ``hq`` (N, 3, H, W) in [-1, 1]: the loss, its unweighted terms, what is regularized.

        ``text`` and ``negative_embeds`` are embeddings (N, tokens, channels). The third is for ``regularizer_loss``.
        """
        restored, latent = self.generator(lq, text, rng)
        terms = {"mse": F.mse_loss(restored, hq), "perceptual": self.distance(restored, hq)}
        loss = self.settings["mse"] * terms["mse"] + self.settings["perceptual"]["weight"] * terms["perceptual"]
        if self.regularizer is None:
            return loss, terms, latent.detach()
        critic_input = self.regularizer.critic_input(restored, latent)
        terms[self.regularizer.term] = self.regularizer.loss(critic_input, text, negative_embeds, rng)
        loss = loss + self.settings["regularizer"]["weight"] * terms[self.regularizer.term]
        return loss, terms, critic_input.detach()

    def regularizer_loss(self, critic_input: Tensor, hq: Tensor, text: Tensor, rng: SampleRNG) -> dict[str, Tensor]:
        """The regularizer's own loss under its name; nothing where there is no regularizer."""
        if self.regularizer is None:
            return {}
        return {self.regularizer.critic_name: self.regularizer.critic_loss(critic_input, hq, text, rng)}
