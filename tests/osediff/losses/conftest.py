"""What the tests of losses share: VSD on a tiny backbone, and the least that a loss asks of a generator."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from osediff.common.settings import parse
from osediff.losses.vsd import VSD
from osediff.models import backbone as backbones
from osediff.models.generator import Generator
from osediff.recipe import VSDLoss
from tests.osediff.tiny import RECIPE
from tests.osediff.tiny import VSD as SETTINGS


@pytest.fixture
def vsd(backbone_folder: Path) -> VSD:
    """VSD in float64 on a tiny backbone whose regularizer differs from the teacher."""
    torch.manual_seed(0)
    backbone = backbones.load(backbone_folder)
    backbone.unet.double()
    generator = Generator(backbone, RECIPE, "all")
    vsd = VSD(generator, parse(SETTINGS, VSDLoss, "the tests' VSD"))
    for parameter in vsd.parameters().values():
        parameter.data = torch.randn_like(parameter) * 0.1
    return vsd


@pytest.fixture
def generator_stub() -> Any:
    """As much of a generator as the loss asks for: where its networks run."""
    return SimpleNamespace(backbone=SimpleNamespace(unet=torch.nn.Linear(1, 1)))
