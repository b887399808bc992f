"""What one training step minimises (Algorithm 1): the generator's loss, then the regulariser's own.

    objective = Objective(generator, recipe["loss"])
    loss, terms, subject = objective.generator_loss(lq, hq, text, negative, draws)  # backward, its step
    terms |= objective.regulariser_loss(subject, hq, text, draws)  # backward, the second optimiser's step

Every kind of regulariser has the same members (see ``osediff.regulariser.VSD``): ``parameters``, ``buffers``,
``subject``, ``loss``, ``own_loss``, and the names of its two losses. Random numbers are drawn in one order: posterior
of the encoder, then the regulariser's loss, then its own; so variants with one seed see the same noise and timesteps.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from osediff import perceptual
from osediff.discriminator import GAN
from osediff.draws import Draws
from osediff.generator import Generator
from osediff.regulariser import VSD

REGULARISERS: dict[str, Any] = {"vsd": VSD, "gan": GAN}


def adapted(loss: dict[str, Any]) -> str | None:
    """Which of the UNet's layers the regulariser adapts: ``all``, ``mid-block``, or None where it has no LoRA."""
    return str(loss["regulariser"]["trains"]) if loss["regulariser"]["kind"] == "vsd" else None


class Objective:
    """The losses of a recipe on a ``generator``. ``settings`` is the recipe's ``loss``."""

    def __init__(self, generator: Generator, settings: dict[str, Any]) -> None:
        self.generator, self.settings = generator, settings
        self.distance = perceptual.KINDS[settings["perceptual"]["kind"]](generator)
        kind = REGULARISERS.get(settings["regulariser"]["kind"])  # "none" has none
        self.regulariser: Any = kind(generator, settings) if kind else None

    def generator_loss(
        self, lq: Tensor, hq: Tensor, text: Tensor, negative: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Eq. 8 on ``lq`` and ``hq`` (N, 3, H, W) in [-1, 1]: the loss, its unweighted terms, what is regularised.

        ``text`` and ``negative`` are embeddings (N, tokens, channels). The third is for ``regulariser_loss``.
        """
        restored, latent = self.generator(lq, text, draws)
        terms = {"mse": F.mse_loss(restored, hq), "perceptual": self.distance(restored, hq)}
        loss = self.settings["mse"] * terms["mse"] + self.settings["perceptual"]["weight"] * terms["perceptual"]
        if self.regulariser is None:
            return loss, terms, latent.detach()
        subject = self.regulariser.subject(restored, latent)
        terms[self.regulariser.term] = self.regulariser.loss(subject, text, negative, draws)
        loss = loss + self.settings["regulariser"]["weight"] * terms[self.regulariser.term]
        return loss, terms, subject.detach()

    def regulariser_loss(self, subject: Tensor, hq: Tensor, text: Tensor, draws: Draws) -> dict[str, Tensor]:
        """The regulariser's own loss under its name; nothing where there is no regulariser."""
        if self.regulariser is None:
            return {}
        return {self.regulariser.own_term: self.regulariser.own_loss(subject, hq, text, draws)}
