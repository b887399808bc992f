"""The VSD loss against the paper's formulas, written out with separate networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from osediff.common.settings import parse
from osediff.losses.vsd import VSD
from osediff.models import backbone as backbones
from osediff.models.generator import Generator, estimate_clean
from osediff.models.lora import REGULARIZER, TEACHER
from osediff.recipe import VSDLoss
from osediff.training.sample_rng import SampleRNG
from tests.osediff.tiny import RECIPE
from tests.osediff.tiny import VSD as SETTINGS


def vsd_loss(**change: Any) -> VSDLoss:
    """Settings of VSD with ``change`` over them."""
    return parse(SETTINGS | change, VSDLoss, "the tests' VSD")


@pytest.fixture
def vsd(backbone_folder: Path) -> VSD:
    """VSD in float64 on a tiny backbone whose regularizer differs from the teacher."""
    torch.manual_seed(0)
    backbone = backbones.load(backbone_folder)
    backbone.unet.double()
    generator = Generator(backbone, RECIPE, "all")
    made = VSD(generator, vsd_loss())
    for parameter in made.parameters().values():
        parameter.data = torch.randn_like(parameter) * 0.1
    return made


def test_gradient_is_the_papers(vsd: VSD) -> None:
    """Eqs. 7 and 10: omega (z_reg - z_teacher) with omega = 1 / mean|z - z_teacher|, here times 2 / numel."""
    latent = torch.randn(2, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    text, negative_embeds = torch.randn(2, 2, 5, 16, dtype=torch.float64)
    vsd.loss(latent, text, negative_embeds, SampleRNG([7, 8])).backward()

    random = [torch.Generator().manual_seed(seed) for seed in (7, 8)]
    noise = torch.stack([torch.randn(4, 8, 8, generator=each) for each in random]).double()
    steps = torch.cat([torch.randint(20, 980, (1,), generator=each) for each in random])
    alphas = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, 0).double()[steps].view(2, 1, 1, 1)
    z = latent.detach()
    noisy = alphas.sqrt() * z + (1 - alphas).sqrt() * noise

    def clean(role: str, prompt: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), vsd.roles.use(role):
            return (noisy - (1 - alphas).sqrt() * vsd.backbone.unet(noisy, steps, prompt).sample) / alphas.sqrt()

    teacher = clean(TEACHER, negative_embeds) + 7.5 * (clean(TEACHER, text) - clean(TEACHER, negative_embeds))
    omega = 1 / (z - teacher).abs().mean((1, 2, 3), keepdim=True)
    expected = omega * (clean(REGULARIZER, text) - teacher) * 2 / z.numel()
    assert torch.allclose(latent.grad, expected, rtol=1e-6, atol=0)


def test_no_gradient_reaches_the_networks_through_the_vsd_loss(vsd: VSD) -> None:
    latent = torch.randn(1, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    text = torch.randn(1, 5, 16, dtype=torch.float64)
    vsd.loss(latent, text, text, SampleRNG([0])).backward()
    assert all(parameter.grad is None for parameter in vsd.backbone.unet.parameters())


def test_equal_views_give_no_gradient(backbone_folder: Path) -> None:
    """A fresh regularizer is the teacher; without guidance there is nothing to distil."""
    backbone = backbones.load(backbone_folder)
    fresh = VSD(Generator(backbone, RECIPE, "all"), vsd_loss(guidance=1.0))
    latent = torch.randn(1, 4, 8, 8, requires_grad=True)
    text = torch.randn(1, 5, 16)
    fresh.loss(latent, text, torch.zeros_like(text), SampleRNG([0])).backward()
    assert latent.grad.abs().max() < 1e-6


def test_the_regularizer_alone_learns_from_the_diffusion_loss(vsd: VSD) -> None:
    latent = torch.randn(1, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    text = torch.randn(1, 5, 16, dtype=torch.float64)
    vsd.critic_loss(latent, latent, text, SampleRNG([0])).backward()
    assert latent.grad is None
    assert all(parameter.grad is not None for parameter in vsd.parameters().values())
    others = [p for name, p in vsd.backbone.unet.named_parameters() if ".regularizer." not in name]
    assert all(parameter.grad is None for parameter in others)


def test_one_step_inverts_the_forward_process(backbone_folder: Path) -> None:
    backbone = backbones.load(backbone_folder)
    clean, noise = torch.randn(2, 3, 4, 8, 8, dtype=torch.float64)
    steps = torch.tensor([20, 500, 999])
    backbone.scheduler.alphas_cumprod = backbone.scheduler.alphas_cumprod.double()
    noisy = backbone.scheduler.add_noise(clean, noise, steps)
    assert torch.allclose(estimate_clean(backbone, noisy, noise, steps), clean, atol=1e-9)
