"""A fake baseline, run in a copy of the packages or in the process of a test; a tiny Stable Diffusion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baselines.runner.descriptor import Descriptor
from baselines.shared import stable_diffusion_2
from osediff.common.settings import parse
from osediff.common.validation import read_yaml
from tests.baselines.fake_baseline import Fake


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """A copy of the packages with the fake baseline in it."""
    return Fake(tmp_path)


@pytest.fixture
def fake_descriptor() -> Descriptor:
    """The descriptor of the fake baseline, whose adapter the process of a test can import."""
    content = read_yaml(Path(__file__).parent / "fake" / "descriptor.yaml")
    content["runs"]["entry"] = "tests.baselines.fake.adapter:load"
    return parse(content, Descriptor, "fake")


@pytest.fixture
def tiny_stable_diffusion_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stable Diffusion 2.1-base with the structure of the official one, and almost no width."""
    changes: dict[str, dict[str, Any]] = {
        "UNET": {"block_out_channels": [8, 8, 16, 16], "norm_num_groups": 4, "cross_attention_dim": 16},
        "VAE": {"block_out_channels": [8, 8, 8, 8], "norm_num_groups": 4, "layers_per_block": 1},
        "TEXT": {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    }
    changes["UNET"] |= {"attention_head_dim": [1, 1, 2, 2], "layers_per_block": 1}
    for name, sizes in changes.items():
        monkeypatch.setattr(stable_diffusion_2, name, getattr(stable_diffusion_2, name) | sizes)
