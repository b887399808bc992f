"""The GAN loss: smoothed cross-entropies of heads on frozen features, and who learns from which."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from osediff.losses.gan import GAN
from osediff.losses.objective import Objective
from osediff.training.sample_rng import SampleRNG
from tests.osediff.losses.objectives import GAN_LOSS, make_batch, make_objective


def make_gan(folder: Path) -> tuple[Objective, GAN]:
    """An objective with a GAN loss, and its discriminator."""
    objective = make_objective(folder, GAN_LOSS)
    assert isinstance(objective.regularizer, GAN)
    return objective, objective.regularizer


def test_gan_losses_are_smoothed_cross_entropies(backbone_folder: Path) -> None:
    objective, gan = make_gan(backbone_folder)
    lq, hq, text, negative_embeds = make_batch()
    gan.heads.eval()  # else every pass moves the spectral norm's vectors a little
    _, terms, critic_input = objective.generator_loss(lq, hq, text, negative_embeds, SampleRNG([3, 4]))

    def of(image: Tensor, label: float) -> Tensor:
        """-label log s - (1 - label) log(1 - s), s the sigmoid of each head's logits."""
        total = torch.zeros((), dtype=image.dtype)
        for head, feature in zip(gan.heads, gan.features(image), strict=True):
            s = torch.sigmoid(head(feature))
            total = total - (label * s.log() + (1 - label) * (1 - s).log()).mean()
        return total

    assert torch.allclose(terms["gan"], of(critic_input, 0.8))
    critic = objective.regularizer_loss(critic_input, hq, text, SampleRNG([0, 1, 2, 3]))["discriminator"]
    assert torch.allclose(critic, of(hq, 0.8) + of(critic_input, 0.0))


def test_gan_trains_the_generator_and_the_heads_apart(backbone_folder: Path) -> None:
    objective, gan = make_gan(backbone_folder)
    lq, hq, text, negative_embeds = make_batch()
    _, terms, critic_input = objective.generator_loss(lq, hq, text, negative_embeds, SampleRNG([3, 4]))
    torch.autograd.backward(terms["gan"])
    heads, generator = gan.parameters(), objective.generator.parameters()
    assert all(parameter.grad is None for parameter in heads.values())
    assert all(parameter.grad is not None for parameter in generator.values())
    for parameter in generator.values():
        parameter.grad = None
    torch.autograd.backward(
        objective.regularizer_loss(critic_input, hq, text, SampleRNG([0, 1, 2, 3]))["discriminator"]
    )
    assert all(parameter.grad is not None for parameter in heads.values())
    assert all(parameter.grad is None for parameter in generator.values())


def test_the_discriminator_learns_to_tell_blurred_from_sharp(backbone_folder: Path) -> None:
    _, gan = make_gan(backbone_folder)
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(gan.parameters().values(), lr=3e-2)
    losses = []
    for _ in range(60):
        sharp = torch.rand(4, 3, 32, 32, dtype=torch.float64) * 2 - 1
        loss = gan.critic_loss(F.avg_pool2d(sharp, 3, 1, 1), sharp, torch.empty(0), SampleRNG([0, 1, 2, 3]))
        losses.append(float(loss.detach()))
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    # Heads that do not look can do no better than a probability of 0.4 for both: 1.346 each.
    assert sum(losses[-10:]) / 10 < 3 * 1.346
    with torch.no_grad():
        assert gan.cross_entropy(sharp, 1.0) < gan.cross_entropy(F.avg_pool2d(sharp, 3, 1, 1), 1.0)
