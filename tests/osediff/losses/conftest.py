"""What the tests of losses share: VSD on a tiny backbone, and the least that a loss asks of a generator."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig

from osediff.common import weights
from osediff.common.files import sha256
from osediff.common.settings import parse
from osediff.losses import gan
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


@pytest.fixture
def random_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CLIP of OpenAI's layout with small random networks, in the place of the weights; the folder it lies in."""
    text = CLIPTextConfig(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=9,
        num_attention_heads=2,
        image_size=224,
        patch_size=32,
        projection_dim=24,
    )
    config = CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=24)
    torch.manual_seed(0)
    folder = tmp_path / "weights" / weights.CLIP
    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    torch.save(CLIPModel(config).state_dict(), folder / weights.CLIP_WEIGHTS)
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(gan, "CLIP_SHA256", sha256(folder / weights.CLIP_WEIGHTS))
    return folder
