"""The losses of a training step: what each kind of regularizer adds, and where its gradients go."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from osediff.losses import vsd as vsd_module
from osediff.models import backbone as backbones
from osediff.models.adapter_names import UNET_GROUPS
from osediff.models.lora import targets
from osediff.models.sample_rng import SampleRNG
from tests.osediff.losses.objectives import GAN_LOSS, IMAGE_LOSS, make_batch, make_objective
from tests.osediff.tiny import VSD


def test_image_domain_encodes_the_restored_image_with_the_frozen_encoder(backbone_folder: Path) -> None:
    objective = make_objective(backbone_folder, IMAGE_LOSS)
    lq, hq, text, negative_embeds = make_batch()
    random = SampleRNG([3, 4])
    _, terms, critic_input = objective.generator_loss(lq, hq, text, negative_embeds, random)

    bare = backbones.load(backbone_folder).vae.double()
    with torch.no_grad():
        restored, _ = objective.generator(lq, text, SampleRNG([3, 4]))
        expected = bare.encode(restored).latent_dist.mean * bare.config.scaling_factor
    assert torch.allclose(critic_input, expected, atol=1e-12)
    # The gradient goes on through encoder and decoder to the generator's weights.
    torch.autograd.backward(terms["vsd"])
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in objective.generator.parameters().values())


def test_image_domain_gradient_is_the_chain_rules(backbone_folder: Path) -> None:
    """d loss / d image = (gradient handed to the latent) times the Jacobian of the frozen encoder."""
    objective = make_objective(backbone_folder, IMAGE_LOSS)
    _, hq, text, negative_embeds = make_batch()
    image = hq.clone().requires_grad_(True)
    vsd = objective.regularizer
    assert isinstance(vsd, vsd_module.VSD)
    latent = vsd.critic_input(image, torch.empty(0))
    torch.autograd.backward(vsd.loss(latent, text, negative_embeds, SampleRNG([1, 2])))

    handed = latent.detach().requires_grad_(True)
    torch.autograd.backward(vsd.loss(handed, text, negative_embeds, SampleRNG([1, 2])))
    bare = backbones.load(backbone_folder).vae.double()
    again = hq.clone().requires_grad_(True)
    latent_again: Tensor = bare.encode(again).latent_dist.mean * bare.config.scaling_factor
    torch.autograd.backward(latent_again, handed.grad)
    assert image.grad is not None and again.grad is not None
    assert torch.allclose(image.grad, again.grad, rtol=1e-9, atol=1e-15)


def test_all_kinds_draw_the_same_random_numbers(backbone_folder: Path) -> None:
    """Common random numbers: the restored images of one seed are equal, and so is what VSD draws in both domains."""
    lq, hq, text, negative_embeds = make_batch()
    drawn = {}
    for name, regularizer in {"latent": VSD, "image": IMAGE_LOSS}.items():
        objective = make_objective(backbone_folder, regularizer)
        random = SampleRNG([3, 4])
        objective.generator_loss(lq, hq, text, negative_embeds, random)
        drawn[name] = random.integers(0, 2**31)
    assert torch.equal(drawn["latent"], drawn["image"])
    restored = [make_objective(backbone_folder, kind).generator(lq, text, SampleRNG([3, 4]))[0]
                for kind in (GAN_LOSS, {"kind": "none"}, IMAGE_LOSS)]  # fmt: skip
    assert torch.equal(restored[0], restored[1])
    assert not torch.equal(restored[0], lq)


def test_official_form_adapts_the_mid_block_alone(backbone_folder: Path) -> None:
    regularizer = VSD | {"lora_scope": "mid-block"}
    objective = make_objective(backbone_folder, regularizer)
    assert objective.regularizer is not None
    names = list(objective.regularizer.parameters())
    layers = targets(backbones.load(backbone_folder).unet, UNET_GROUPS["mid"])
    assert len(names) == 2 * len(layers) and all(name.startswith("unet.mid_block.") for name in names)
