"""The GAN loss: smoothed cross-entropies of heads on frozen features, and who learns from which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPModel

from osediff.common.artifacts.registries import GROUPS
from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.weights import CLIP, CLIP_SHA256, CLIP_WEIGHTS
from osediff.losses import gan
from osediff.losses.gan import GAN, clip_features
from osediff.losses.objective import Objective
from osediff.models.sample_rng import SampleRNG
from tests.helpers import ROOT
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


def test_features_of_the_encoder_have_the_same_scale_whatever_its_activations(backbone_folder: Path) -> None:
    objective, gan = make_gan(backbone_folder)
    image = make_batch()[1]
    before = gan.features(image)
    with torch.no_grad():
        first = objective.generator.backbone.vae.encoder.conv_in
        first.weight.mul_(50.0)
        first.bias.mul_(50.0)
    for level, scaled in zip(before[:2], gan.features(image)[:2], strict=True):
        for features in (level, scaled):
            assert torch.allclose(
                features.square().mean((1, 2, 3)), torch.ones(len(image), dtype=features.dtype), atol=1e-3
            )


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


@pytest.mark.slow
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


def test_clip_s_features_are_tokens_of_two_depths_and_the_embedding(generator_stub: Any, random_clip: Path) -> None:
    features = clip_features(generator_stub)
    image = (torch.rand(2, 3, 64, 64) * 2 - 1).requires_grad_()
    early, late, embedding = features(image)
    assert early.shape == late.shape == (2, 16, 7, 7) and embedding.shape == (2, 24)
    torch.autograd.backward(embedding.square().sum())
    assert image.grad is not None and image.grad.abs().sum() > 0, "the generator learns through it"
    # Against the whole network, with its own names.
    whole = CLIPModel.from_pretrained(random_clip, use_safetensors=False)
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    pixels = F.interpolate(image.detach() / 2 + 0.5, (224, 224), mode="area")
    output = whole.vision_model((pixels - mean[:, None, None]) / std[:, None, None], output_hidden_states=True)
    assert torch.allclose(embedding, whole.visual_projection(output.pooler_output), atol=1e-5)
    tokens = output.hidden_states[4][:, 1:]  # row by row from the upper left corner
    assert torch.allclose(early[:, :, 1, 2], tokens[:, 7 + 2], atol=1e-5)


def test_absent_and_other_weights_of_clip_are_one_line(generator_stub: Any, random_clip: Path) -> None:
    (random_clip / CLIP_WEIGHTS).write_bytes(b"another file")
    with pytest.raises(InputError, match=r"pytorch_model\.bin: is another file than config/loss_weights\.yaml says"):
        clip_features(generator_stub)
    (random_clip / CLIP_WEIGHTS).unlink()
    line = (
        r"is not here, and the GAN loss needs it; python -m osediff\.common\.artifacts fetch loss-weights --only clip"
    )
    with pytest.raises(InputError, match=line):
        clip_features(generator_stub)


def test_the_registry_brings_the_file_that_the_loss_takes() -> None:
    ((artifact,),) = GROUPS["loss-weights"].artifacts(ROOT).values()
    assert artifact.contents[CLIP_WEIGHTS].sha256 == CLIP_SHA256
    assert artifact.folder == f"data/weights/{CLIP}"


def test_a_part_of_clip_that_no_tensor_fills_is_named(random_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = random_clip / CLIP_WEIGHTS
    tensors = torch.load(path, weights_only=True)
    del tensors["visual_projection.weight"]
    torch.save(tensors, path)
    monkeypatch.setattr(gan, "CLIP_SHA256", sha256(path))
    with pytest.raises(InputError, match=r"does not fill visual_projection\.weight \(1 tensors\); fetch it again"):
        gan.load_clip(random_clip)
