"""The one-step generator G = D(F(E(x))): LoRA-tuned encoder, one denoising step at a fixed t, frozen decoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor

from osediff.common.products import use_onednn_products
from osediff.models import tiling
from osediff.models.adapter_names import GENERATOR, REGULARIZER, TEACHER, UNET_GROUPS, VAE_GROUPS
from osediff.models.backbone import Backbone
from osediff.models.gemm_conv import use_gemm_convolutions
from osediff.models.lora import Roles, add_lora, lora_parameters, targets
from osediff.models.sample_rng import SampleRNG
from osediff.models.tile_sizes import Tiling
from osediff.recipe import LoraScope, ModelRecipe

PRECISIONS: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Generator:
    """OSEDiff's generator on a backbone, to which it adds adapters as ``recipe`` says (Eqs. 3 and 4).

    The UNet's other roles (regularizer, teacher) share its base weights; see ``osediff.models.lora``. ``regularizer``
    says which layers that role adapts: ``all``, as in the paper, or only the ``mid-block``, as in the official code,
    probably by mistake (its other adapters are not active); None if there is no such role.

    Inputs and outputs are float32 (or float64) even if the networks are in half precision. If ``tiles`` is set, for
    inference, large images are computed in tiles.
    """

    tiles: Tiling | None = None

    def __init__(self, backbone: Backbone, recipe: ModelRecipe, regularizer: LoraScope | None = None) -> None:
        self.backbone, self.timestep = backbone, recipe.timestep
        for network in (backbone.vae, backbone.unet):
            use_gemm_convolutions(network)
            use_onednn_products(network)
        use_onednn_products(backbone.text_encoder)
        adapted = recipe.lora_targets
        halves = {"encoder": adapted.vae_encoder, "decoder": adapted.vae_decoder}
        groups = [VAE_GROUPS[half] for half, chosen in halves.items() if chosen]
        self.vae_layers = targets(backbone.vae, sum(groups, ())) if groups else []
        unet_layers = targets(backbone.unet, sum(UNET_GROUPS.values(), ()))
        if self.vae_layers:
            add_lora(backbone.vae, GENERATOR, self.vae_layers, recipe.rank_vae, recipe.alpha)
        if adapted.unet:
            add_lora(backbone.unet, GENERATOR, unet_layers, recipe.rank_unet, recipe.alpha)
        if regularizer:
            chosen = sum(UNET_GROUPS.values(), ()) if regularizer == "all" else UNET_GROUPS["mid"]
            layers = [name for name in unet_layers if name.startswith(chosen)]
            add_lora(backbone.unet, REGULARIZER, layers, recipe.rank_unet, recipe.alpha)
        self.factor = 2 ** (len(backbone.vae.config.block_out_channels) - 1)
        self.vae_roles = Roles(backbone.vae)
        self.unet_roles = Roles(backbone.unet, trained_conv_in=adapted.unet)

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """Return the generator's trained parameters by name: LoRA of the VAE and UNet, and its copy of ``conv_in``."""
        parameters = {f"vae.{name}": p for name, p in lora_parameters(self.backbone.vae, GENERATOR).items()}
        parameters |= {f"unet.{name}": p for name, p in lora_parameters(self.backbone.unet, GENERATOR).items()}
        if self.unet_roles.conv_in is not None:
            parameters |= {f"unet.conv_in.{name}": p for name, p in self.unet_roles.conv_in.named_parameters()}
        return parameters

    def posterior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation (N, C, h, w) of the unscaled latent of ``image`` (N, 3, H, W) in [-1, 1]."""
        vae, image = self.backbone.vae, image.to(self.backbone.vae.dtype)
        with self.vae_roles.use(GENERATOR):
            if self.tiles and tiling.exceeds_tile(image, self.tiles.vae, self.factor):
                distribution = DiagonalGaussianDistribution(upcast_half(tiling.encode(vae, image, self.tiles)))
            else:
                distribution = vae.encode(image).latent_dist
        return upcast_half(distribution.mean), upcast_half(distribution.std)

    def encode(self, image: Tensor, rng: SampleRNG | None = None) -> Tensor:
        """Return the scaled latent (N, C, h, w) of ``image`` (N, 3, H, W) in [-1, 1]: drawn by ``rng``, or the mode."""
        mean, deviation = self.posterior(image)
        if rng is not None:
            mean = mean + deviation * rng.normal(mean)
        return mean * float(self.backbone.vae.config.scaling_factor)

    def denoise(self, latent: Tensor, text: Tensor) -> Tensor:
        """Estimate the HQ latent from the LQ ``latent`` (N, C, h, w) in one step (Eq. 3).

        ``text``: embeddings (N, tokens, channels). Returns (N, C, h, w).
        """
        unet = self.backbone.unet
        timesteps = torch.full((len(latent),), self.timestep, device=latent.device)
        text = text.to(unet.dtype)

        def predict(x: Tensor) -> Tensor:
            noise: Tensor = unet(x, timesteps, text).sample
            return noise

        with self.unet_roles.use(GENERATOR):
            x = latent.to(unet.dtype)
            if self.tiles and tiling.exceeds_tile(x, self.tiles.latent):
                noise = tiling.blend_tiles(predict, x, self.tiles.latent, self.tiles.overlap, "denoising")
            else:
                noise = predict(x)
        return estimate_clean(self.backbone, latent, upcast_half(noise), timesteps)

    def decode(self, latent: Tensor) -> Tensor:
        """Decode a scaled ``latent`` (N, C, h, w) to an image (N, 3, H, W), clamped to [-1, 1]."""
        vae = self.backbone.vae
        latent = (latent / vae.config.scaling_factor).to(vae.dtype)
        with self.vae_roles.use(GENERATOR):
            if self.tiles and tiling.exceeds_tile(latent, self.tiles.vae):
                image = tiling.decode(vae, latent, self.tiles)
            else:
                image = vae.decode(latent).sample
        return upcast_half(image).clamp(-1, 1)

    def __call__(self, image: Tensor, text: Tensor, rng: SampleRNG | None = None) -> tuple[Tensor, Tensor]:
        """Restore LQ images (Eq. 4).

        ``image``: (N, 3, H, W) in [-1, 1] at output size, H and W multiples of ``factor``. ``text``: embeddings
        (N, tokens, channels). ``rng``: draws the latent from the encoder's posterior; None takes its mode.
        Returns the restored image (N, 3, H, W) in [-1, 1] and its latent (N, C, h, w).
        """
        latent = self.denoise(self.encode(image, rng), text)
        return self.decode(latent), latent

    def merge(self) -> None:
        """Merge the generator's LoRA into the weights, for inference; the other roles do not exist after this."""
        for network, roles in ((self.backbone.vae, self.vae_roles), (self.backbone.unet, self.unet_roles)):
            roles.set_role(GENERATOR)
            network.fuse_lora()
            network.unload_lora()
        self.vae_roles, self.unet_roles = Roles(self.backbone.vae), Roles(self.backbone.unet)

    def checkpoint_gradients(self) -> None:
        """Recompute activations of UNet and VAE in the backward pass: less memory, more time."""
        for network, roles in ((self.backbone.vae, self.vae_roles), (self.backbone.unet, self.unet_roles)):
            network.enable_gradient_checkpointing(gradient_checkpointing_func=roles.checkpoint)

    def pretrained_vae(self) -> AbstractContextManager[None]:
        """Return a context in which the VAE is the pretrained one, without the generator's adapters."""
        return self.vae_roles.use(TEACHER)

    def encoder_levels(self, image: Tensor) -> Iterator[Tensor]:
        """Yield the output of each level of the pretrained VAE encoder for ``image`` (N, 3, H, W) in [-1, 1].

        Outputs are yielded one at a time: the order of a caller's computations decides the last bits of their
        gradients.
        """
        encoder = self.backbone.vae.encoder
        with self.pretrained_vae():
            hidden = encoder.conv_in(image)
            for block in encoder.down_blocks:
                hidden = block(hidden)
                yield hidden


def upcast_half(x: Tensor) -> Tensor:
    """Return ``x`` in float32 if it is in half precision, else as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def estimate_clean(backbone: Backbone, noisy: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """Return the clean latent that follows from the predicted ``noise``: (z_t - sigma_t eps) / alpha_t (Eq. 3).

    ``noisy`` and ``noise``: (N, C, h, w); ``timesteps``: (N,), from 0 to 999.
    """
    alphas: Tensor = backbone.scheduler.alphas_cumprod.to(noisy.device)[timesteps].to(noisy.dtype)[:, None, None, None]
    return (noisy - (1 - alphas).sqrt() * noise) / alphas.sqrt()
