"""The losses of the demo backbone's training: reconstruction by its autoencoder, then denoising."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from osediff.losses.perceptual import Distance
from osediff.models.backbone import Backbone
from osediff.models.settings import UNetStage, VAEStage


def autoencoder_loss(
    model: Backbone, images: Tensor, stage: VAEStage, distance: Distance, generator: torch.Generator
) -> Tensor:
    """Compute the mean absolute error of reconstruction and color, LPIPS-VGG, and a small KL term for each element.

    Photographs are mostly gray, so with the error of RGB alone color is learned slowly. ``color_weight`` is the weight
    of the error of each channel's difference from gray. ``images`` (N, 3, H, W) in [-1, 1].
    """
    posterior = model.vae.encode(images).latent_dist
    noise = torch.randn(posterior.mean.shape, generator=generator).to(images.device)
    decoded = model.vae.decode(posterior.mean + posterior.std * noise).sample
    kl = 0.5 * (posterior.mean**2 + posterior.var - 1 - posterior.logvar)
    color, target = (x - x.mean(1, keepdim=True) for x in (decoded, images))
    error: Tensor = F.l1_loss(decoded, images) + stage.color_weight * F.l1_loss(color, target)
    loss: Tensor = error + stage.perceptual_weight * distance(decoded, images) + stage.kl_weight * kl.mean()
    return loss


def draw_timesteps(count: int, steps: int, late_share: float, generator: torch.Generator) -> Tensor:
    """Draw ``count`` timesteps below ``steps``: uniform, but ``late_share`` of them in the last third.

    OSEDiff's generator uses a late timestep, where Eq. 3 amplifies the errors of the predicted noise.
    """
    uniform, late = (torch.randint(first, steps, (count,), generator=generator) for first in (0, steps * 2 // 3))
    return torch.where(torch.rand(count, generator=generator) < late_share, late, uniform)


def denoising_loss(
    model: Backbone, latents: Tensor, prompts: list[str], stage: UNetStage, generator: torch.Generator
) -> Tensor:
    """Compute the mean squared error of the predicted noise, the objective of SD 2.1-base."""
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    steps = model.scheduler.config.num_train_timesteps
    timesteps = draw_timesteps(len(latents), steps, stage.late_share, generator).to(latents.device)
    tokens = model.tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    text = model.text_encoder(tokens.to(latents.device))[0]
    noisy = model.scheduler.add_noise(latents, noise, timesteps)
    return F.mse_loss(model.unet(noisy, timesteps, text).sample, noise)
