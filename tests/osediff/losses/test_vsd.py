"""The VSD loss against the paper's formulas, written out with separate networks."""

from __future__ import annotations

from pathlib import Path

import torch

from osediff.common.settings import parse
from osediff.losses.vsd import VSD
from osediff.models import backbone as backbones
from osediff.models.adapter_names import REGULARIZER, TEACHER
from osediff.models.generator import Generator
from osediff.models.sample_rng import SampleRNG
from osediff.recipe import VSDLoss
from tests.osediff.tiny import RECIPE
from tests.osediff.tiny import VSD as SETTINGS


def test_gradient_is_the_papers(vsd: VSD) -> None:
    """Eqs. 7 and 10: omega (z_reg - z_teacher) with omega = 1 / mean|z - z_teacher|, here times 2 / numel."""
    latent = torch.randn(2, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    text, negative_embeds = torch.randn(2, 2, 5, 16, dtype=torch.float64)
    torch.autograd.backward(vsd.loss(latent, text, negative_embeds, SampleRNG([7, 8])))

    generators = [torch.Generator().manual_seed(seed) for seed in (7, 8)]
    noise = torch.stack([torch.randn(4, 8, 8, generator=generator) for generator in generators]).double()
    steps = torch.cat([torch.randint(20, 980, (1,), generator=generator) for generator in generators])
    alphas = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, 0).double()[steps].view(2, 1, 1, 1)
    z = latent.detach()
    noisy = alphas.sqrt() * z + (1 - alphas).sqrt() * noise

    def clean(role: str, prompt: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), vsd.roles.use(role):
            predicted: torch.Tensor = vsd.backbone.unet(noisy, steps, prompt).sample
            return (noisy - (1 - alphas).sqrt() * predicted) / alphas.sqrt()

    teacher = clean(TEACHER, negative_embeds) + 7.5 * (clean(TEACHER, text) - clean(TEACHER, negative_embeds))
    omega = 1 / (z - teacher).abs().mean((1, 2, 3), keepdim=True)
    expected = omega * (clean(REGULARIZER, text) - teacher) * 2 / z.numel()
    assert latent.grad is not None and torch.allclose(latent.grad, expected, rtol=1e-6, atol=0)


def test_no_gradient_reaches_the_networks_through_the_vsd_loss(vsd: VSD) -> None:
    latent = torch.randn(1, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    text = torch.randn(1, 5, 16, dtype=torch.float64)
    torch.autograd.backward(vsd.loss(latent, text, text, SampleRNG([0])))
    assert all(parameter.grad is None for parameter in vsd.backbone.unet.parameters())


def test_equal_views_give_no_gradient(backbone_folder: Path) -> None:
    """A fresh regularizer is the teacher; without guidance there is nothing to distil."""
    backbone = backbones.load(backbone_folder)
    fresh = VSD(Generator(backbone, RECIPE, "all"), parse(SETTINGS | {"guidance": 1.0}, VSDLoss, "the tests' VSD"))
    latent = torch.randn(1, 4, 8, 8, requires_grad=True)
    text = torch.randn(1, 5, 16)
    torch.autograd.backward(fresh.loss(latent, text, torch.zeros_like(text), SampleRNG([0])))
    assert latent.grad is not None and latent.grad.abs().max() < 1e-6


def test_the_regularizer_alone_learns_from_the_diffusion_loss(vsd: VSD) -> None:
    latent = torch.randn(1, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    text = torch.randn(1, 5, 16, dtype=torch.float64)
    torch.autograd.backward(vsd.critic_loss(latent, latent, text, SampleRNG([0])))
    assert latent.grad is None
    assert all(parameter.grad is not None for parameter in vsd.parameters().values())
    others = [p for name, p in vsd.backbone.unet.named_parameters() if ".regularizer." not in name]
    assert all(parameter.grad is None for parameter in others)
