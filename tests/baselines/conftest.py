"""A fake baseline, run in a copy of the packages or in the process of a test; what adapters get; tiny backbones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from baselines.runner.adapters import Layout
from baselines.runner.descriptor import Descriptor
from baselines.shared import stable_diffusion_2
from baselines.shared.random_weights import write_random
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


@pytest.fixture
def lr() -> np.ndarray:
    """An LR image whose sides are no multiples of 8."""
    return np.random.default_rng(0).integers(40, 200, (20, 30, 3), np.uint8)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A function that registers a module in place of an official one: its name, and its content by keyword.

    What an adapter changes of the process is undone after the test.
    """
    for owner, names in ((sys, ("dont_write_bytecode", "pycache_prefix")), (torch.cuda, ("synchronize",))):
        for name in names:
            monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)

    def register(name: str, **content: object) -> None:
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)

    yield register
    for name in set(sys.modules) - before:
        if sys.modules[name].__spec__ is None:  # no import made it
            del sys.modules[name]


@pytest.fixture
def write_weights(tmp_path: Path) -> Callable[[Layout], Path]:
    """A function that writes random weights of a layout below weights/ of a folder of sources, which it returns."""

    def write(files: Layout) -> Path:
        for path, content in files.items():
            (tmp_path / "weights" / path).parent.mkdir(parents=True, exist_ok=True)
            write_random(tmp_path / "weights" / path, content, 0)
        return tmp_path

    return write
