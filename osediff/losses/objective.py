"""What one training step minimizes (Algorithm 1): the generator's loss, then the regularizer's own.

    objective = Objective(generator, recipe["loss"])
    loss, terms, subject = objective.generator_loss(lq, hq, text, negative, draws)  # backward, its step
    terms |= objective.regularizer_loss(subject, hq, text, draws)  # backward, the second optimizer's step

Every kind of regularizer has the same members (see ``osediff.losses.vsd.VSD``): ``parameters``, ``buffers``,
``subject``, ``loss``, ``own_loss``, and the names of its two losses. Random numbers are drawn in one order: posterior
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
from osediff.training.sample_rng import Draws

REGULARIZERS: dict[str, Any] = {"vsd": VSD, "gan": GAN}


def adapted(loss: dict[str, Any]) -> str | None:
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
        self, lq: Tensor, hq: Tensor, text: Tensor, negative: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Eq. 8 on ``lq`` and ``hq`` (N, 3, H, W) in [-1, 1]: the loss, its unweighted terms, what is regularized.

        ``text`` and ``negative`` are embeddings (N, tokens, channels). The third is for ``regularizer_loss``.
        """
        restored, latent = self.generator(lq, text, draws)
        terms = {"mse": F.mse_loss(restored, hq), "perceptual": self.distance(restored, hq)}
        loss = self.settings["mse"] * terms["mse"] + self.settings["perceptual"]["weight"] * terms["perceptual"]
        if self.regularizer is None:
            return loss, terms, latent.detach()
        subject = self.regularizer.subject(restored, latent)
        terms[self.regularizer.term] = self.regularizer.loss(subject, text, negative, draws)
        loss = loss + self.settings["regularizer"]["weight"] * terms[self.regularizer.term]
        return loss, terms, subject.detach()

    def regularizer_loss(self, subject: Tensor, hq: Tensor, text: Tensor, draws: Draws) -> dict[str, Tensor]:
        """The regularizer's own loss under its name; nothing where there is no regularizer."""
        if self.regularizer is None:
            return {}
        return {self.regularizer.own_term: self.regularizer.own_loss(subject, hq, text, draws)}
