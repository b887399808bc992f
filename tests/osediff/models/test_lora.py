"""One UNet in three roles must be exactly three UNets; layer and weight counts are those of the official code."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor

from osediff.models import backbone as backbones
from osediff.models.adapter_names import GENERATOR, REGULARIZER, TEACHER, UNET_GROUPS, VAE_GROUPS
from osediff.models.lora import Roles, add_lora, lora_parameters, targets

ALL = sum(UNET_GROUPS.values(), ())
SD21_UNET = {
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
SD21_VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "sample_size": 512,
}


# Counts run on the official classes (cswry/OSEDiff fcc4f09) at rank 4.
@pytest.mark.parametrize(
    ("group", "layers", "weights"),
    [(ALL, 258, 4_055_712), (UNET_GROUPS["down"], 94, 1_253_776), (UNET_GROUPS["mid"], 16, 376_832)],
)
def test_unet_of_sd21_has_the_official_codes_layers(group: tuple[str, ...], layers: int, weights: int) -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(**SD21_UNET)
        names = targets(unet, group)
        add_lora(unet, GENERATOR, names, rank=4, alpha=8)
    assert len(names) == layers
    assert sum(p.numel() for p in lora_parameters(unet, GENERATOR).values()) == weights


@pytest.mark.parametrize(
    ("halves", "layers", "weights"), [(["encoder"], 32, 369_356), (["encoder", "decoder"], None, 882_056)]
)
def test_vae_of_sd21_has_the_official_codes_layers(halves: list[str], layers: int | None, weights: int) -> None:
    with torch.device("meta"):
        vae = AutoencoderKL(**SD21_VAE)
        names = targets(vae, sum((VAE_GROUPS[half] for half in halves), ()))
        add_lora(vae, GENERATOR, names, rank=4, alpha=8)
    assert layers is None or len(names) == layers
    assert sum(p.numel() for p in lora_parameters(vae, GENERATOR).values()) == weights


def three_networks(folder: Path) -> tuple[UNet2DConditionModel, dict[str, UNet2DConditionModel]]:
    """One UNet with both adapters at random values, and the three separate UNets it stands for, in float64."""
    shared = backbones.load(folder).unet.double()
    bare = copy.deepcopy(shared)
    names = targets(shared, ALL)
    separate = {TEACHER: bare, GENERATOR: copy.deepcopy(bare), REGULARIZER: copy.deepcopy(bare)}
    for role in (GENERATOR, REGULARIZER):
        add_lora(shared, role, names, rank=2, alpha=4)
        add_lora(separate[role], role, names, rank=2, alpha=4)
    torch.manual_seed(1)
    for role in (GENERATOR, REGULARIZER):
        mine = lora_parameters(separate[role], role)
        for name, parameter in lora_parameters(shared, role).items():
            parameter.data = torch.randn_like(parameter) * 0.1
            mine[name].data.copy_(parameter.data)
            mine[name].requires_grad_(True)
    separate[GENERATOR].conv_in.base_layer.requires_grad_(True)
    return shared, separate


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("left_as", [TEACHER, REGULARIZER])
def test_gradients_equal_those_of_three_unets(backbone_folder: Path, checkpointing: bool, left_as: str) -> None:
    shared, separate = three_networks(backbone_folder)
    roles = Roles(shared, trained_conv_in=True)
    if checkpointing:
        shared.enable_gradient_checkpointing(gradient_checkpointing_func=roles.checkpoint)
        shared.train()
    torch.manual_seed(2)
    latent = torch.randn(2, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    other_latent = latent.detach().clone().requires_grad_(True)
    text = torch.randn(2, 5, 16, dtype=torch.float64)
    step = torch.tensor([999, 999])

    def loss(run: dict[str, Callable[[Tensor], Tensor]], start: Tensor) -> Tensor:
        latent = run[GENERATOR](start)
        with torch.no_grad():
            target = run[TEACHER](latent) - run[REGULARIZER](latent)
        return (latent * target).sum() + run[REGULARIZER](latent.detach()).square().sum()

    def predict(unet: UNet2DConditionModel, x: Tensor) -> Tensor:
        noise: Tensor = unet(x, step, text).sample
        return noise

    def as_role(role: str) -> Callable[[Tensor], Tensor]:
        def call(x: Tensor) -> Tensor:
            with roles.use(role):
                return predict(shared, x)

        return call

    shared_loss = loss({role: as_role(role) for role in separate}, latent)
    # Backward runs while the network plays another role than it did in the forward pass.
    with roles.use(left_as):
        torch.autograd.backward(shared_loss)
    torch.autograd.backward(loss({role: partial(predict, unet) for role, unet in separate.items()}, other_latent))

    assert latent.grad is not None and other_latent.grad is not None
    assert torch.equal(latent.grad, other_latent.grad)
    for role in (GENERATOR, REGULARIZER):
        expected = lora_parameters(separate[role], role)
        for name, parameter in lora_parameters(shared, role).items():
            gradient = expected[name].grad
            assert parameter.grad is not None and gradient is not None, f"{role}: {name} got no gradient"
            assert torch.equal(parameter.grad, gradient), f"{role}: {name}"
    assert roles.conv_in is not None
    gradient = roles.conv_in.get_parameter("weight").grad
    assert gradient is not None
    assert torch.equal(gradient, separate[GENERATOR].conv_in.base_layer.weight.grad)


def test_a_role_ends_with_its_block(backbone_folder: Path) -> None:
    shared, separate = three_networks(backbone_folder)
    roles = Roles(shared, trained_conv_in=True)
    x, text = torch.randn(1, 4, 8, 8, dtype=torch.float64), torch.randn(1, 5, 16, dtype=torch.float64)
    with torch.no_grad():
        with roles.use(GENERATOR), roles.use(REGULARIZER):
            pass
        assert torch.equal(shared(x, 5, text).sample, separate[TEACHER](x, 5, text).sample)
