"""Objectives on the tiny backbone, in float64, and a batch for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from osediff.losses.gan import GAN
from osediff.losses.objective import Objective, regularizer_scope
from osediff.models import backbone as backbones
from osediff.models.generator import Generator
from tests.osediff.tiny import RECIPE, VSD, with_regularizer

GAN_LOSS: dict[str, Any] = {"kind": "gan", "weight": 0.5}
IMAGE_LOSS: dict[str, Any] = VSD | {"domain": "image"}


def make_objective(folder: Path, regularizer: dict[str, Any], seed: int = 0) -> Objective:
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
    if isinstance(objective.regularizer, GAN):
        objective.regularizer.heads.double()
    return objective


def make_batch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """LQ and HQ images (2, 3, 32, 32) in [-1, 1], embeddings of prompts and of the negative prompt (2, 5, 16)."""
    torch.manual_seed(5)
    lq, hq = torch.rand(2, 2, 3, 32, 32, dtype=torch.float64) * 2 - 1
    text, negative_embeds = torch.randn(2, 2, 5, 16, dtype=torch.float64)
    return lq, hq, text, negative_embeds
