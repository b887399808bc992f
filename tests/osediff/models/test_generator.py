"""The one-step generator: its arithmetic by definition, what is tuned in it, and LoRA merged into the weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from osediff.models import backbone as backbones
from osediff.models.adapter_files import load_adapters
from osediff.models.generator import Generator, estimate_clean
from osediff.models.sample_rng import SampleRNG
from osediff.pipeline import OSEDiff
from tests.osediff.tiny import RECIPE, edit


def test_one_step_inverts_the_forward_process(backbone_folder: Path) -> None:
    backbone = backbones.load(backbone_folder)
    clean, noise = torch.randn(2, 3, 4, 8, 8, dtype=torch.float64)
    steps = torch.tensor([20, 500, 999])
    backbone.scheduler.alphas_cumprod = backbone.scheduler.alphas_cumprod.double()
    noisy = backbone.scheduler.add_noise(clean, noise, steps)
    assert torch.allclose(estimate_clean(backbone, noisy, noise, steps), clean, atol=1e-9)


def test_merged_weights_give_the_unmerged_output(checkpoint: Path, backbone_folder: Path) -> None:
    backbone = backbones.load(backbone_folder)
    generator = Generator(backbone, RECIPE)
    load_adapters(checkpoint, generator.parameters())
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        expected, _ = generator(image, backbone.embed([""]), SampleRNG([3]))
        merged = OSEDiff.from_pretrained(checkpoint, backbone_folder).generator
        actual, _ = merged(image, backbone.embed([""]), SampleRNG([3]))
    assert torch.allclose(actual, expected, atol=1e-5)


def test_the_latent_is_the_mean_plus_deviation_times_noise(backbone_folder: Path) -> None:
    """And without random numbers the mode of the posterior; both times the VAE's scaling factor."""
    generator = Generator(backbones.load(backbone_folder), RECIPE)
    image = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        posterior = generator.backbone.vae.encode(image).latent_dist
        noise = SampleRNG([1, 2]).normal(posterior.mean)
        factor = generator.backbone.vae.config.scaling_factor
        assert torch.allclose(generator.encode(image), posterior.mean * factor)
        drawn = generator.encode(image, SampleRNG([1, 2]))
        assert torch.allclose(drawn, (posterior.mean + posterior.std * noise) * factor, atol=1e-6)


def test_one_step_from_the_last_timestep(backbone_folder: Path) -> None:
    """Eq. 3 at t = 999: (z - sqrt(1 - alpha) noise) / sqrt(alpha), alpha of the scaled linear schedule."""
    backbone = backbones.load(backbone_folder)
    generator = Generator(backbone, RECIPE)
    latent, text = torch.randn(1, 4, 8, 8), backbone.embed([""])
    alpha = torch.prod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2).float()
    with torch.no_grad():
        noise = backbone.unet(latent, torch.tensor([999]), text).sample  # fresh LoRA changes nothing
        expected = (latent - (1 - alpha).sqrt() * noise) / alpha.sqrt()
        assert torch.allclose(generator.denoise(latent, text), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("part", ["vae_encoder", "vae_decoder", "unet"])
def test_what_is_tuned_is_what_has_parameters(backbone_folder: Path, part: str) -> None:
    tuned = {"vae_encoder": False, "vae_decoder": False, "unet": False} | {part: True}
    generator = Generator(backbones.load(backbone_folder), edit({"lora_targets": tuned}))
    prefixes = {
        "vae_encoder": ("vae.encoder.", "vae.quant_conv."),
        "vae_decoder": ("vae.decoder.", "vae.post_quant_conv."),
        "unet": ("unet.",),
    }
    names = list(generator.parameters())
    assert names and all(name.startswith(prefixes[part]) for name in names)
    assert any(name.startswith("unet.conv_in.") for name in names) == (part == "unet")
