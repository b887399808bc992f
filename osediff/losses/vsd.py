"""Variational score distillation (VSD): a frozen teacher and a fine-tuned regularizer, both on the generator's UNet."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor

from osediff.models.adapter_names import REGULARIZER, TEACHER
from osediff.models.backbone import Backbone
from osediff.models.generator import Generator, estimate_clean, upcast_half
from osediff.models.sample_rng import SampleRNG
from osediff.recipe import VSDLoss


class VSD:
    """Eqs. 6, 7 and 10 (Algorithm 1) in the x0 form of DMD.

    In the domain ``latent``, teacher and regularizer get the generator's latent. In the domain ``image``, the paper's
    ablation (Table 3), they get the latent of the restored image: the frozen encoder encodes it again, and the gradient
    flows through that encoder and the decoder. The paper gives no details. The mode of the posterior is used, so that
    both domains draw the same random numbers.

    ``teacher`` replaces that role of the generator's UNet, for the official precision: the official script calls these
    losses outside of autocast, with a teacher in half precision and a regularizer in float32.
    """

    name, critic_name = "vsd", "diffusion"  # of the two losses in the log

    def __init__(self, generator: Generator, settings: VSDLoss, teacher: UNet2DConditionModel | None = None) -> None:
        self.generator = generator
        self.backbone: Backbone = generator.backbone
        self.roles = generator.unet_roles
        self.settings, self.teacher = settings, teacher

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """Return the regularizer's LoRA by name; only ``critic_loss`` trains it."""
        named = self.backbone.unet.named_parameters()
        return {f"unet.{name}": p for name, p in named if f".{REGULARIZER}." in name}

    def buffers(self) -> dict[str, Tensor]:
        """Return tensors that a training state holds besides the parameters: none."""
        return {}

    def critic_input(self, restored: Tensor, latent: Tensor) -> Tensor:
        """Return the latent (N, C, h, w) that teacher and regularizer get.

        ``restored``: the generator's images (N, 3, H, W) in [-1, 1]; ``latent``: their latents (N, C, h, w).
        """
        if self.settings.domain == "latent":
            return latent
        with self.generator.pretrained_vae():
            encoded = self.backbone.vae.encode(restored).latent_dist.mean
        return upcast_half(encoded) * float(self.backbone.vae.config.scaling_factor)

    def add_noise(self, latent: Tensor, span: tuple[int, int], rng: SampleRNG) -> tuple[Tensor, Tensor, Tensor]:
        """Add noise to ``latent`` (N, C, h, w) at uniform timesteps of ``span``, without its upper end.

        Returns noisy latents and noise (N, C, h, w), and timesteps (N,).
        """
        noise, timesteps = rng.normal(latent), rng.integers(*span).to(latent.device)
        return self.backbone.scheduler.add_noise(latent, noise, timesteps), noise, timesteps

    def precision(self, device: torch.device) -> AbstractContextManager[object]:
        """Return the context of both losses: without autocast in the official precision, else as it is."""
        return nullcontext() if self.teacher is None else torch.autocast(device.type, enabled=False)

    def cast(self, text: Tensor) -> Tensor:
        """Return ``text`` in the precision of the UNet's weights; autocast may have left it in another."""
        return text.to(self.backbone.unet.dtype)

    def guided_noise(self, noisy: Tensor, timesteps: Tensor, negative_embeds: Tensor, text: Tensor) -> Tensor:
        """Return the teacher's noise (N, C, h, w) with classifier-free guidance; arguments as in ``loss``."""
        noisy, timesteps, prompts = noisy.repeat(2, 1, 1, 1), timesteps.repeat(2), torch.cat([negative_embeds, text])
        if self.teacher is None:
            with self.roles.use(TEACHER):
                both = upcast_half(self.backbone.unet(noisy, timesteps, prompts).sample)
        else:  # guidance in half precision, too
            both = self.teacher(noisy.to(self.teacher.dtype), timesteps, prompts.to(self.teacher.dtype)).sample
        without, with_text = both.chunk(2)
        return upcast_half(without + self.settings.guidance * (with_text - without))

    def loss(self, critic_input: Tensor, text: Tensor, negative_embeds: Tensor, rng: SampleRNG) -> Tensor:
        """Return the VSD loss of latents ``critic_input`` (N, C, h, w).

        Its gradient is (z_reg - z_teacher) / mean|z - z_teacher| times 2 / numel (Eqs. 7 and 10): as in the official
        code it is a mean squared error against a target without gradient. ``text`` and ``negative_embeds``: embeddings
        (N, tokens, channels); guidance is on the teacher only.
        """
        with torch.no_grad(), self.precision(critic_input.device):
            noisy, _, timesteps = self.add_noise(critic_input.detach(), self.settings.timesteps, rng)
            with self.roles.use(REGULARIZER):
                regularizer_noise = upcast_half(self.backbone.unet(noisy, timesteps, self.cast(text)).sample)
            guided = self.guided_noise(noisy, timesteps, negative_embeds, text)
            teacher = estimate_clean(self.backbone, noisy, guided, timesteps)
            difference = estimate_clean(self.backbone, noisy, regularizer_noise, timesteps) - teacher
            gradient = difference / (critic_input - teacher).abs().mean((1, 2, 3), keepdim=True)
        return F.mse_loss(critic_input, (critic_input - gradient).detach())

    def critic_loss(self, critic_input: Tensor, hq: Tensor, text: Tensor, rng: SampleRNG) -> Tensor:
        """Return the diffusion loss of the regularizer on the generator's latents, at every timestep (Eq. 9).

        ``hq`` is not used.
        """
        steps = self.backbone.scheduler.config.num_train_timesteps
        noisy, noise, timesteps = self.add_noise(critic_input.detach(), (0, steps), rng)
        with self.roles.use(REGULARIZER), self.precision(critic_input.device):
            predicted = self.backbone.unet(noisy, timesteps, self.cast(text)).sample
        return F.mse_loss(upcast_half(predicted), noise)
