"""A tiny backbone, adapters and a batch in closed form: the same numbers whatever the version of torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from osediff.models import backbone as backbones
from osediff.models.backbone import Backbone
from osediff.recipe import Recipe
from tests.osediff.tiny import TINY, VSD, edit

REGULARIZER = VSD | {"weight": 1.0, "guidance": 7.5, "timesteps": [20, 980]}


def wave(shape: tuple[int, ...] | torch.Size, number: int) -> Tensor:
    """Numbers of deviation 1 without a visible pattern; another series for every ``number``."""
    index = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (2**0.5 * torch.sin(index * index * 0.6180339887 + index * 1.7 + number * 2.399963)).view(shape).float()


def fill(network: nn.Module, first: int) -> None:
    """Gives ``network`` weights of the size that keeps activations of the order of 1, norms near the identity."""
    for number, (name, parameter) in enumerate(network.named_parameters(), first):
        fan_in = max(1, parameter[0].numel())
        scale = 0.1 if parameter.ndim == 1 else (1 / fan_in) ** 0.5
        parameter.data = scale * wave(parameter.shape, number)
        if parameter.ndim == 1 and name.endswith("weight"):
            parameter.data += 1


def backbone() -> Backbone:
    """TINY of the tests' conftest, frozen."""
    backbone = backbones.build(TINY, backbones.word_tokenizer(["words"]))
    for network, first in ((backbone.vae, 0), (backbone.unet, 1000)):
        fill(network, first)
        network.requires_grad_(False).eval()
    return backbone


def recipe(lora_scope: str) -> Recipe:
    """Official settings, the perceptual term left out (LPIPS would need VGG16)."""
    loss = {"mse": 1.0, "perceptual": {"kind": "encoder-features", "weight": 0.0}}
    ranks = {"rank_vae": 4, "rank_unet": 4, "alpha": 8, "batch": 2}
    return edit({**ranks, "loss": loss | {"regularizer": REGULARIZER | {"lora_scope": lora_scope}}})


def weights(parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Weights of adapters, by name: LoRA of deviation 0.1, else as they are."""
    return {
        name: 0.1 * wave(p.shape, 2000 + n) if ".lora_" in name else p.detach().clone()
        for n, (name, p) in enumerate(sorted(parameters.items()))
    }


def batch() -> dict[str, Any]:
    """Two pairs of 32 pixels, embeddings, noise and timesteps of one step."""
    lq, hq = (0.5 * wave((2, 2, 3, 32, 32), 5000)).clamp(-1, 1)
    text, negative = wave((2, 2, 5, 16), 5001)
    return {
        "lq": lq,
        "hq": hq,
        "embeddings": {"text": text, "negative": negative},
        "normals": list(wave((3, 2, 4, 8, 8), 5002)),
        "timesteps": [torch.tensor([37, 812]), torch.tensor([999, 3])],
    }


def summary(gradients: dict[str, Tensor]) -> dict[str, list[float]]:
    """Norm of each gradient, and its product with a series of deviation 1."""
    return {
        name: [float(f"{float(x):.8g}") for x in (g.double().norm(), (g * wave(g.shape, 6000)).double().sum())]
        for name, g in sorted(gradients.items())
    }
