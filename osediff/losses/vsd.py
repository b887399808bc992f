"""Variational score distillation (VSD): a frozen teacher and a fine-tuned regularizer, both on the generator's UNet."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from osediff.models.backbone import Backbone
from osediff.models.generator import Generator, estimate_clean, upcast_half
from osediff.models.lora import REGULARIZER, TEACHER
from osediff.training.sample_rng import SampleRNG


class VSD:
    """Eqs. 6, 7 and 10 (Algorithm 1) in the x0 form of DMD.

    Of a recipe's ``loss`` it takes, below ``regularizer``: ``domain``, ``guidance`` (7.5), ``timesteps`` ([20, 980],
    upper end excluded as in the released code). In the domain ``latent`` the generator's latent is judged. In the
    domain ``image``, the paper's ablation, it is the restored image, encoded again by the frozen encoder; the gradient
    goes back through that encoder and the decoder. The paper says no more of it; the mode of the posterior is taken, so
    that both domains draw the same random numbers.
    """

    term, critic_name = "vsd", "diffusion"  # names of the two losses in the log

    def __init__(self, generator: Generator, loss: dict[str, Any]) -> None:
        self.generator = generator
        self.backbone: Backbone = generator.backbone
        self.roles = generator.unet_roles
        self.settings = loss["regularizer"]

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """The regularizer's LoRA, trained by ``critic_loss`` alone."""
        named = self.backbone.unet.named_parameters()
        return {f"unet.{name}": p for name, p in named if f".{REGULARIZER}." in name}

    def buffers(self) -> dict[str, Tensor]:
        """What a training state holds besides the parameters: nothing."""
        return {}

    def critic_input(self, restored: Tensor, latent: Tensor) -> Tensor:
        """The latent that is judged, of the ``restored`` image (N, 3, H, W) and its ``latent`` (N, C, h, w)."""
        if self.settings["domain"] == "latent":
            return latent
        with self.generator.pretrained_vae():
            encoded = self.backbone.vae.encode(restored).latent_dist.mean
        return upcast_half(encoded) * self.backbone.vae.config.scaling_factor

    def noised(self, latent: Tensor, span: tuple[int, int], rng: SampleRNG) -> tuple[Tensor, Tensor, Tensor]:
        """``latent`` at a uniform timestep of ``span`` (upper end excluded): noisy latent, noise, timesteps."""
        noise, timesteps = rng.normal(latent), rng.integers(*span).to(latent.device)
        return self.backbone.scheduler.add_noise(latent, noise, timesteps), noise, timesteps

    def loss(self, critic_input: Tensor, text: Tensor, negative_embeds: Tensor, rng: SampleRNG) -> Tensor:
        """VSD loss whose gradient on ``critic_input`` is (z_reg - z_teacher) / mean|critic_input - z_teacher|, up to 2 / numel.

        ``text`` and ``negative_embeds`` are (N, tokens, channels); guidance is on the teacher only. Written, as in the
        released code, as a mean squared error against a target that carries no gradient.
        """
        with torch.no_grad():
            noisy, _, timesteps = self.noised(critic_input.detach(), tuple(self.settings["timesteps"]), rng)
            with self.roles.use(REGULARIZER):
                own = upcast_half(self.backbone.unet(noisy, timesteps, text).sample)
            with self.roles.use(TEACHER):
                both = self.backbone.unet(
                    noisy.repeat(2, 1, 1, 1), timesteps.repeat(2), torch.cat([negative_embeds, text])
                )
            without, with_text = upcast_half(both.sample).chunk(2)
            guided = without + self.settings["guidance"] * (with_text - without)
            teacher = estimate_clean(self.backbone, noisy, guided, timesteps)
            difference = estimate_clean(self.backbone, noisy, own, timesteps) - teacher
            gradient = difference / (critic_input - teacher).abs().mean((1, 2, 3), keepdim=True)
        return F.mse_loss(critic_input, (critic_input - gradient).detach())

    def critic_loss(self, critic_input: Tensor, hq: Tensor, text: Tensor, rng: SampleRNG) -> Tensor:
        """Eq. 9: the regularizer learns to denoise what the generator makes, at every timestep; ``hq`` is not used."""
        steps = self.backbone.scheduler.config.num_train_timesteps
        noisy, noise, timesteps = self.noised(critic_input.detach(), (0, steps), rng)
        with self.roles.use(REGULARIZER):
            predicted = self.backbone.unet(noisy, timesteps, text).sample
        return F.mse_loss(upcast_half(predicted), noise)
