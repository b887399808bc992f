"""The one-step generator G = D(F(E(x))): LoRA-tuned encoder, one denoising step at t = 999, frozen decoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from osediff.adapters import GENERATOR, TEACHER, UNET_GROUPS, VAE_GROUPS, Roles, add_lora, lora_parameters, targets
from osediff.backbone import Backbone

LAST_TIMESTEP = 999


class Generator:
    """OSEDiff's generator on a backbone, which it equips with adapters as ``recipe`` says.

    ``recipe`` keys: ``rank_vae``, ``rank_unet``, ``alpha`` and ``tune`` (which of vae_encoder, vae_decoder, unet carry
    LoRA). The UNet's other roles (regulariser, teacher) share its base weights; see ``osediff.adapters``.
    """

    def __init__(self, backbone: Backbone, recipe: dict[str, Any], regulariser: bool = False) -> None:
        self.backbone = backbone
        tune = recipe["tune"]
        groups = [VAE_GROUPS[half] for half in ("encoder", "decoder") if tune[f"vae_{half}"]]
        self.vae_layers = targets(backbone.vae, sum(groups, ())) if groups else []
        unet_layers = targets(backbone.unet, sum(UNET_GROUPS.values(), ()))
        if self.vae_layers:
            add_lora(backbone.vae, GENERATOR, self.vae_layers, recipe["rank_vae"], recipe["alpha"])
        if tune["unet"]:
            add_lora(backbone.unet, GENERATOR, unet_layers, recipe["rank_unet"], recipe["alpha"])
        if regulariser:
            add_lora(backbone.unet, "regulariser", unet_layers, recipe["rank_unet"], recipe["alpha"])
        self.vae_roles = Roles(backbone.vae)
        self.unet_roles = Roles(backbone.unet, own_conv_in=tune["unet"])

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """What training the generator changes: LoRA of the VAE and UNet, and the UNet's own ``conv_in``."""
        found = {f"vae.{name}": p for name, p in lora_parameters(self.backbone.vae, GENERATOR).items()}
        found |= {f"unet.{name}": p for name, p in lora_parameters(self.backbone.unet, GENERATOR).items()}
        if self.unet_roles.conv_in is not None:
            found |= {f"unet.conv_in.{name}": p for name, p in self.unet_roles.conv_in.named_parameters()}
        return found

    def encode(self, image: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Scaled latent (N, C, h, w) of ``image`` (N, 3, H, W) in [-1, 1]; the mode if there is no ``generator``."""
        with self.vae_roles.use(GENERATOR):
            posterior = self.backbone.vae.encode(image).latent_dist
        latent = posterior.mean
        if generator is not None:
            noise = torch.randn(latent.shape, generator=generator).to(latent)
            latent = latent + posterior.std * noise
        return latent * self.backbone.vae.config.scaling_factor

    def denoise(self, latent: Tensor, text: Tensor) -> Tensor:
        """Eq. 3: the HQ latent estimated from the LQ ``latent`` in one step; ``text`` is (N, tokens, channels)."""
        timesteps = torch.full((len(latent),), LAST_TIMESTEP, device=latent.device)
        with self.unet_roles.use(GENERATOR):
            noise = self.backbone.unet(latent, timesteps, text).sample
        return estimate_clean(self.backbone, latent, noise, timesteps)

    def decode(self, latent: Tensor) -> Tensor:
        """Image (N, 3, H, W), clamped to [-1, 1], of a scaled latent."""
        with self.vae_roles.use(GENERATOR):
            return self.backbone.vae.decode(latent / self.backbone.vae.config.scaling_factor).sample.clamp(-1, 1)

    def __call__(self, image: Tensor, text: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Restored image (N, 3, H, W) in [-1, 1] and its latent, from the LQ ``image`` at output size (Eq. 4)."""
        latent = self.denoise(self.encode(image, generator), text)
        return self.decode(latent), latent

    def merge(self) -> None:
        """Folds the generator's LoRA into the weights, for inference; the other roles are gone after this."""
        for network, roles in ((self.backbone.vae, self.vae_roles), (self.backbone.unet, self.unet_roles)):
            roles.settle(GENERATOR)
            network.fuse_lora()
            network.unload_lora()

    def bare_vae(self) -> Any:
        """Context in which the VAE is the pretrained one, without the generator's adapters."""
        return self.vae_roles.use(TEACHER)


def estimate_clean(backbone: Backbone, noisy: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """The clean latent that ``noise`` (a prediction) implies: (z_t - sigma_t eps) / alpha_t."""
    alphas = backbone.scheduler.alphas_cumprod.to(noisy.device)[timesteps].to(noisy.dtype)[:, None, None, None]
    return (noisy - (1 - alphas).sqrt() * noise) / alphas.sqrt()
