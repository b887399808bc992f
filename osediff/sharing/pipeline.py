"""OSEDiff as a pipeline of diffusers: an LR image becomes an SR image in one step (arXiv 2406.08177).

from diffusers import DiffusionPipeline

pipe = DiffusionPipeline.from_pretrained(FOLDER, trust_remote_code=True)
sr = pipe(Image.open("photo.png")).images[0]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, DiffusionPipeline, ImagePipelineOutput, UNet2DConditionModel
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from osediff.data.color import FIXES
from osediff.data.tensors import as_image, as_tensor
from osediff.data.upsampling import upsample
from osediff.models.sample_rng import SampleRNG
from osediff.models.tile_sizes import Tiling
from osediff.models.tiling import blend_tiles, decode, encode, exceeds_tile


class OSEDiffPipeline(DiffusionPipeline):  # type: ignore[misc]
    """One denoising step between the encoder and the decoder of a latent diffusion model; LoRA is in the weights."""

    def __init__(
        self,
        vae: AutoencoderKL,
        unet: UNet2DConditionModel,
        text_encoder: CLIPTextModel,
        tokenizer: CLIPTokenizer,
        scheduler: DDPMScheduler,
        scale_factor: int = 4,
        process_size: int = 512,
        timestep: int = 999,
        color_fix: str = "adain",
    ) -> None:
        super().__init__()
        self.register_modules(vae=vae, unet=unet, text_encoder=text_encoder, tokenizer=tokenizer, scheduler=scheduler)
        self.register_to_config(
            scale_factor=scale_factor, process_size=process_size, timestep=timestep, color_fix=color_fix
        )

    @torch.inference_mode()
    def __call__(
        self,
        image: Image.Image | list[Image.Image],
        prompt: str = "",
        seed: int = 0,
        tiles: Sequence[int] = (Tiling.vae, Tiling.latent, Tiling.overlap),
    ) -> ImagePipelineOutput:
        """Restore one image or several, PIL in mode RGB, each ``scale_factor`` times as wide and high.

        ``prompt``: words about the image. ``seed``: decides the noise of the latent. ``tiles``: sides of the tiles of
        the VAE and of the UNet, and overlap of the latter, in latent pixels; 0 means whole.
        """
        images = image if isinstance(image, list) else [image]
        text = self.embed(prompt)
        return ImagePipelineOutput(images=[self.restore(one, text, seed, Tiling(*tiles)) for one in images])

    def embed(self, prompt: str) -> Tensor:
        """Return the text embedding (1, tokens, channels) of ``prompt``."""
        tokens = self.tokenizer(
            [prompt],
            max_length=self.tokenizer.model_max_length,
            padding="max_length",
            truncation=True,
            return_tensors="pt",
        )
        embedding: Tensor = self.text_encoder(tokens.input_ids.to(self.text_encoder.device))[0]
        return embedding.to(self.unet.dtype)

    def restore(self, image: Image.Image, text: Tensor, seed: int, tiles: Tiling) -> Image.Image:
        """Restore one image (Eqs. 3 and 4)."""
        if image.mode != "RGB":
            raise ValueError(f"the image is in mode {image.mode}, needed is RGB; convert it first")
        scale_factor, vae, unet = self.config.scale_factor, self.vae, self.unet
        reference = upsample(np.asarray(image), scale_factor, self.config.process_size)
        lq = as_tensor(reference)[None].to(vae.device)
        height, width = lq.shape[2:]
        factor = 2 ** (len(vae.config.block_out_channels) - 1)
        padded = F.pad(lq, (0, -width % factor, 0, -height % factor), mode="replicate").to(vae.dtype)

        if exceeds_tile(padded, tiles.vae, factor):
            posterior = DiagonalGaussianDistribution(upcast_half(encode(vae, padded, tiles)))
        else:
            posterior = vae.encode(padded).latent_dist
        mean, deviation = upcast_half(posterior.mean), upcast_half(posterior.std)
        latent = (mean + deviation * SampleRNG([seed]).normal(mean)) * float(vae.config.scaling_factor)

        timesteps = torch.full((1,), self.config.timestep, device=latent.device)

        def predict(x: Tensor) -> Tensor:
            noise: Tensor = unet(x, timesteps, text).sample
            return noise

        x = latent.to(unet.dtype)
        if exceeds_tile(x, tiles.latent):
            noise = blend_tiles(predict, x, tiles.latent, tiles.overlap, "denoising")
        else:
            noise = predict(x)
        alpha = self.scheduler.alphas_cumprod.to(latent.device)[timesteps].to(latent.dtype)[:, None, None, None]
        latent = (latent - (1 - alpha).sqrt() * upcast_half(noise)) / alpha.sqrt()

        latent = (latent / vae.config.scaling_factor).to(vae.dtype)
        decoded = decode(vae, latent, tiles) if exceeds_tile(latent, tiles.vae) else vae.decode(latent).sample
        restored = upcast_half(decoded).clamp(-1, 1)[0, :, :height, :width]
        corrected = FIXES[self.config.color_fix](restored, as_tensor(reference).to(restored.device))
        sr = Image.fromarray(as_image(corrected))
        size = (image.width * scale_factor, image.height * scale_factor)
        return sr if sr.size == size else sr.resize(size)


def upcast_half(x: Tensor) -> Tensor:
    """Return ``x`` in float32 if it is in half precision, else as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
