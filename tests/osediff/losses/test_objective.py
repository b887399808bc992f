"""The losses of a training step: what each kind of regularizer adds, and where its gradients go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from osediff.losses.gan import REAL
from osediff.losses.objective import Objective, regularizer_scope
from osediff.models import backbone as backbones
from osediff.models.generator import Generator
from osediff.models.lora import UNET_GROUPS, targets
from osediff.training.sample_rng import SampleRNG
from tests.osediff.tiny import RECIPE, VSD, run_training, with_regularizer

GAN = {"kind": "gan", "weight": 0.5}
IMAGE = VSD | {"domain": "image"}


def made(folder: Path, regularizer: dict[str, Any], seed: int = 0) -> Objective:
    """An objective in float64, its adapters at random values."""
    torch.manual_seed(seed)
    backbone = backbones.load(folder)
    for network in (backbone.unet, backbone.vae):
        network.double()
    loss = with_regularizer(regularizer).loss
    generator = Generator(backbone, RECIPE, regularizer_scope(loss))
    for parameter in generator.parameters().values():
        parameter.data = torch.randn_like(parameter) * 0.1
    objective = Objective(generator, loss)
    if isinstance(getattr(objective.regularizer, "heads", None), torch.nn.Module):
        objective.regularizer.heads.double()
    return objective


def batch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(5)
    lq, hq = torch.rand(2, 2, 3, 32, 32, dtype=torch.float64) * 2 - 1
    text, negative_embeds = torch.randn(2, 2, 5, 16, dtype=torch.float64)
    return lq, hq, text, negative_embeds


def test_image_domain_encodes_the_restored_image_with_the_frozen_encoder(backbone_folder: Path) -> None:
    objective = made(backbone_folder, IMAGE)
    lq, hq, text, negative_embeds = batch()
    random = SampleRNG([3, 4])
    _, terms, critic_input = objective.generator_loss(lq, hq, text, negative_embeds, random)

    bare = backbones.load(backbone_folder).vae.double()
    with torch.no_grad():
        restored, _ = objective.generator(lq, text, SampleRNG([3, 4]))
        expected = bare.encode(restored).latent_dist.mean * bare.config.scaling_factor
    assert torch.allclose(critic_input, expected, atol=1e-12)
    # The gradient goes on through encoder and decoder to the generator's weights.
    terms["vsd"].backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in objective.generator.parameters().values())


def test_image_domain_gradient_is_the_chain_rules(backbone_folder: Path) -> None:
    """d loss / d image = (gradient handed to the latent) times the Jacobian of the frozen encoder."""
    objective = made(backbone_folder, IMAGE)
    _, hq, text, negative_embeds = batch()
    image = hq.clone().requires_grad_(True)
    vsd = objective.regularizer
    latent = vsd.critic_input(image, torch.empty(0))
    vsd.loss(latent, text, negative_embeds, SampleRNG([1, 2])).backward()

    handed = latent.detach().requires_grad_(True)
    vsd.loss(handed, text, negative_embeds, SampleRNG([1, 2])).backward()
    bare = backbones.load(backbone_folder).vae.double()
    again = hq.clone().requires_grad_(True)
    (bare.encode(again).latent_dist.mean * bare.config.scaling_factor).backward(handed.grad)
    assert torch.allclose(image.grad, again.grad, rtol=1e-9, atol=1e-15)


def test_all_kinds_draw_the_same_random_numbers(backbone_folder: Path) -> None:
    """Common random numbers: the restored images of one seed are equal, and so is what VSD rng in both domains."""
    lq, hq, text, negative_embeds = batch()
    drawn = {}
    for name, regularizer in {"latent": VSD, "image": IMAGE}.items():
        objective = made(backbone_folder, regularizer)
        random = SampleRNG([3, 4])
        objective.generator_loss(lq, hq, text, negative_embeds, random)
        drawn[name] = random.integers(0, 2**31)
    assert torch.equal(drawn["latent"], drawn["image"])
    restored = [made(backbone_folder, kind).generator(lq, text, SampleRNG([3, 4]))[0]
                for kind in (GAN, {"kind": "none"}, IMAGE)]  # fmt: skip
    assert torch.equal(restored[0], restored[1])
    assert not torch.equal(restored[0], lq)


def test_gan_losses_are_smoothed_cross_entropies(backbone_folder: Path) -> None:
    objective = made(backbone_folder, GAN)
    lq, hq, text, negative_embeds = batch()
    gan = objective.regularizer
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
    own = objective.regularizer_loss(critic_input, hq, text, SampleRNG([0, 1, 2, 3]))["discriminator"]
    assert torch.allclose(own, of(hq, 0.8) + of(critic_input, 0.0))
    assert REAL == 0.8


def test_gan_trains_the_generator_and_the_heads_apart(backbone_folder: Path) -> None:
    objective = made(backbone_folder, GAN)
    lq, hq, text, negative_embeds = batch()
    _, terms, critic_input = objective.generator_loss(lq, hq, text, negative_embeds, SampleRNG([3, 4]))
    terms["gan"].backward()
    heads, generator = objective.regularizer.parameters(), objective.generator.parameters()
    assert all(parameter.grad is None for parameter in heads.values())
    assert all(parameter.grad is not None for parameter in generator.values())
    for parameter in generator.values():
        parameter.grad = None
    objective.regularizer_loss(critic_input, hq, text, SampleRNG([0, 1, 2, 3]))["discriminator"].backward()
    assert all(parameter.grad is not None for parameter in heads.values())
    assert all(parameter.grad is None for parameter in generator.values())


def test_the_discriminator_learns_to_tell_blurred_from_sharp(backbone_folder: Path) -> None:
    gan = made(backbone_folder, GAN).regularizer
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(gan.parameters().values(), lr=3e-2)
    losses = []
    for _ in range(60):
        sharp = torch.rand(4, 3, 32, 32, dtype=torch.float64) * 2 - 1
        loss = gan.critic_loss(F.avg_pool2d(sharp, 3, 1, 1), sharp, torch.empty(0), SampleRNG([0, 1, 2, 3]))
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    # Heads that do not look can do no better than a probability of 0.4 for both: 1.346 each.
    assert sum(losses[-10:]) / 10 < 3 * 1.346
    with torch.no_grad():
        assert gan.cross_entropy(sharp, 1.0) < gan.cross_entropy(F.avg_pool2d(sharp, 3, 1, 1), 1.0)


def test_released_form_adapts_the_mid_block_alone(backbone_folder: Path) -> None:
    regularizer = VSD | {"lora_scope": "mid-block"}
    objective = made(backbone_folder, regularizer)
    names = list(objective.regularizer.parameters())
    layers = targets(backbones.load(backbone_folder).unet, UNET_GROUPS["mid"])
    assert len(names) == 2 * len(layers) and all(name.startswith("unet.mid_block.") for name in names)


@pytest.mark.parametrize("regularizer", [GAN, IMAGE], ids=["gan", "image"])
def test_training_stopped_halfway_ends_with_the_same_weights(
    photos: Path, backbone_folder: Path, tmp_path: Path, regularizer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    recipe = with_regularizer(regularizer)
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "whole")

    calls = iter(range(100))
    whole = Objective.generator_loss

    def stopping(self: Objective, *args: Any) -> Any:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return whole(self, *args)

    monkeypatch.setattr(Objective, "generator_loss", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_training(recipe, photos, backbone_folder, 0, tmp_path / "broken")
    monkeypatch.setattr(Objective, "generator_loss", whole)
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "broken")
    one, other = (load_file(tmp_path / name / "adapters.safetensors") for name in ("whole", "broken"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [3, 6]  # where it was validated
