"""Variational score distillation (VSD) in latent space."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from osediff.adapters import REGULARISER, TEACHER
from osediff.backbone import Backbone
from osediff.generator import Generator, estimate_clean


class LatentVSD:
    """Eqs. 6, 7 and 10 (Algorithm 1) in the x0 form of DMD, on the UNet that the generator shares.

    ``settings`` keys: ``guidance`` (7.5), ``timesteps`` ([20, 980], upper end excluded as in the released code).
    """

    def __init__(self, generator: Generator, settings: dict[str, Any]) -> None:
        self.backbone: Backbone = generator.backbone
        self.roles = generator.unet_roles
        self.settings = settings

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """The regulariser's LoRA, trained by ``diffusion_loss`` alone."""
        named = self.backbone.unet.named_parameters()
        return {f"unet.{name}": p for name, p in named if f".{REGULARISER}." in name}

    def noised(self, latent: Tensor, span: tuple[int, int], random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """``latent`` at a uniform timestep of ``span`` (upper end excluded): noisy latent, noise, timesteps."""
        noise = torch.randn(latent.shape, generator=random).to(latent)
        timesteps = torch.randint(*span, (len(latent),), generator=random).to(latent.device)
        return self.backbone.scheduler.add_noise(latent, noise, timesteps), noise, timesteps

    def loss(self, latent: Tensor, text: Tensor, negative: Tensor, random: torch.Generator) -> Tensor:
        """VSD loss whose gradient on ``latent`` is (z_reg - z_teacher) / mean|latent - z_teacher|, up to 2 / numel.

        ``text`` and ``negative`` are (N, tokens, channels); guidance is on the teacher only. Written, as in the
        released code, as a mean squared error against a target that carries no gradient.
        """
        with torch.no_grad():
            noisy, _, timesteps = self.noised(latent.detach(), tuple(self.settings["timesteps"]), random)
            with self.roles.use(REGULARISER):
                own = self.backbone.unet(noisy, timesteps, text).sample
            with self.roles.use(TEACHER):
                both = self.backbone.unet(noisy.repeat(2, 1, 1, 1), timesteps.repeat(2), torch.cat([negative, text]))
            without, with_text = both.sample.chunk(2)
            guided = without + self.settings["guidance"] * (with_text - without)
            teacher = estimate_clean(self.backbone, noisy, guided, timesteps)
            difference = estimate_clean(self.backbone, noisy, own, timesteps) - teacher
            gradient = difference / (latent - teacher).abs().mean((1, 2, 3), keepdim=True)
        return F.mse_loss(latent, (latent - gradient).detach())

    def diffusion_loss(self, latent: Tensor, text: Tensor, random: torch.Generator) -> Tensor:
        """Eq. 9: the regulariser learns to denoise the generator's own ``latent``; t uniform over all steps."""
        steps = self.backbone.scheduler.config.num_train_timesteps
        noisy, noise, timesteps = self.noised(latent.detach(), (0, steps), random)
        with self.roles.use(REGULARISER):
            predicted = self.backbone.unet(noisy, timesteps, text).sample
        return F.mse_loss(predicted.float(), noise.float())
