"""The one-step generator G = D(F(E(x))): LoRA-tuned encoder, one denoising step at t = 999, frozen decoder."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor

from osediff.models import tiling
from osediff.models.backbone import Backbone
from osediff.models.gemm_conv import use_gemm_convolutions
from osediff.models.lora import (
    GENERATOR,
    REGULARIZER,
    TEACHER,
    UNET_GROUPS,
    VAE_GROUPS,
    Roles,
    add_lora,
    lora_parameters,
    targets,
)
from osediff.training.sample_rng import SampleRNG

LAST_TIMESTEP = 999
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Generator:
    """OSEDiff's generator on a backbone, which it equips with adapters as ``recipe`` says.

    ``recipe`` keys: ``rank_vae``, ``rank_unet``, ``alpha`` and ``tune`` (which of vae_encoder, vae_decoder, unet carry
    LoRA). The UNet's other roles (regularizer, teacher) share its base weights; see ``osediff.models.lora``. The
    ``regularizer`` adapts ``all`` layers, as the paper says, or those of the ``mid-block``, as the released code does
    by an oversight (its other adapters are not active); None where there is no such role.

    What goes in and comes out is in float32 (or more) even where the networks are in half precision. With ``tiles`` set
    (for inference), large images are done in tiles.
    """

    tiles: tiling.Tiling | None = None

    def __init__(self, backbone: Backbone, recipe: dict[str, Any], regularizer: str | None = None) -> None:
        self.backbone = backbone
        for network in (backbone.vae, backbone.unet):
            use_gemm_convolutions(network)
        tune = recipe["tune"]
        groups = [VAE_GROUPS[half] for half in ("encoder", "decoder") if tune[f"vae_{half}"]]
        self.vae_layers = targets(backbone.vae, sum(groups, ())) if groups else []
        unet_layers = targets(backbone.unet, sum(UNET_GROUPS.values(), ()))
        if self.vae_layers:
            add_lora(backbone.vae, GENERATOR, self.vae_layers, recipe["rank_vae"], recipe["alpha"])
        if tune["unet"]:
            add_lora(backbone.unet, GENERATOR, unet_layers, recipe["rank_unet"], recipe["alpha"])
        if regularizer:
            chosen = sum(UNET_GROUPS.values(), ()) if regularizer == "all" else UNET_GROUPS["mid"]
            layers = [name for name in unet_layers if name.startswith(chosen)]
            add_lora(backbone.unet, REGULARIZER, layers, recipe["rank_unet"], recipe["alpha"])
        self.factor = 2 ** (len(backbone.vae.config.block_out_channels) - 1)
        self.vae_roles = Roles(backbone.vae)
        self.unet_roles = Roles(backbone.unet, trained_conv_in=tune["unet"])

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """What training the generator changes: LoRA of the VAE and UNet, and the UNet's own ``conv_in``."""
        found = {f"vae.{name}": p for name, p in lora_parameters(self.backbone.vae, GENERATOR).items()}
        found |= {f"unet.{name}": p for name, p in lora_parameters(self.backbone.unet, GENERATOR).items()}
        if self.unet_roles.conv_in is not None:
            found |= {f"unet.conv_in.{name}": p for name, p in self.unet_roles.conv_in.named_parameters()}
        return found

    def posterior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation (N, C, h, w) of the unscaled latent of ``image`` (N, 3, H, W) in [-1, 1]."""
        vae, image = self.backbone.vae, image.to(self.backbone.vae.dtype)
        with self.vae_roles.use(GENERATOR):
            if self.tiles and tiling.needed(image, self.tiles.vae, self.factor):
                found = DiagonalGaussianDistribution(upcast_half(tiling.encode(vae, image, self.tiles)))
            else:
                found = vae.encode(image).latent_dist
        return upcast_half(found.mean), upcast_half(found.std)

    def encode(self, image: Tensor, rng: SampleRNG | None = None) -> Tensor:
        """Scaled latent (N, C, h, w) of ``image`` (N, 3, H, W) in [-1, 1]; the posterior's mode without ``rng``."""
        mean, deviation = self.posterior(image)
        if rng is not None:
            mean = mean + deviation * rng.normal(mean)
        return mean * self.backbone.vae.config.scaling_factor

    def denoise(self, latent: Tensor, text: Tensor) -> Tensor:
        """Eq. 3: the HQ latent estimated from the LQ ``latent`` in one step; ``text`` is (N, tokens, channels)."""
        unet = self.backbone.unet
        timesteps = torch.full((len(latent),), LAST_TIMESTEP, device=latent.device)
        text = text.to(unet.dtype)

        def predict(x: Tensor) -> Tensor:
            return unet(x, timesteps, text).sample

        with self.unet_roles.use(GENERATOR):
            x = latent.to(unet.dtype)
            if self.tiles and tiling.needed(x, self.tiles.latent):
                noise = tiling.blended(predict, x, self.tiles.latent, self.tiles.overlap, "denoising")
            else:
                noise = predict(x)
        return estimate_clean(self.backbone, latent, upcast_half(noise), timesteps)

    def decode(self, latent: Tensor) -> Tensor:
        """Image (N, 3, H, W), clamped to [-1, 1], of a scaled latent."""
        vae = self.backbone.vae
        latent = (latent / vae.config.scaling_factor).to(vae.dtype)
        with self.vae_roles.use(GENERATOR):
            if self.tiles and tiling.needed(latent, self.tiles.vae):
                image = tiling.decode(vae, latent, self.tiles)
            else:
                image = vae.decode(latent).sample
        return upcast_half(image).clamp(-1, 1)

    def __call__(self, image: Tensor, text: Tensor, rng: SampleRNG | None = None) -> tuple[Tensor, Tensor]:
        """Restored image (N, 3, H, W) in [-1, 1] and its latent, from the LQ ``image`` at output size (Eq. 4)."""
        latent = self.denoise(self.encode(image, rng), text)
        return self.decode(latent), latent

    def merge(self) -> None:
        """Folds the generator's LoRA into the weights, for inference; the other roles are gone after this."""
        for network, roles in ((self.backbone.vae, self.vae_roles), (self.backbone.unet, self.unet_roles)):
            roles.set_role(GENERATOR)
            network.fuse_lora()
            network.unload_lora()
        self.vae_roles, self.unet_roles = Roles(self.backbone.vae), Roles(self.backbone.unet)

    def checkpoint_gradients(self) -> None:
        """Gradient checkpointing of the UNet and of both halves of the VAE, for training: less memory, more time."""
        for network, roles in ((self.backbone.vae, self.vae_roles), (self.backbone.unet, self.unet_roles)):
            network.enable_gradient_checkpointing(gradient_checkpointing_func=roles.checkpoint)

    def pretrained_vae(self) -> Any:
        """Context in which the VAE is the pretrained one, without the generator's adapters."""
        return self.vae_roles.use(TEACHER)


def upcast_half(x: Tensor) -> Tensor:
    """``x`` in float32 if it is in half precision."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def estimate_clean(backbone: Backbone, noisy: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """The clean latent that ``noise`` (a prediction) implies: (z_t - sigma_t eps) / alpha_t."""
    alphas = backbone.scheduler.alphas_cumprod.to(noisy.device)[timesteps].to(noisy.dtype)[:, None, None, None]
    return (noisy - (1 - alphas).sqrt() * noise) / alphas.sqrt()
