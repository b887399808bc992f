"""A checkout of SinSR with one-layer networks and a sampler that notes how it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from baselines.sinsr.adapter import Options


class Autoencoder(nn.Module):
    """The layers that the adapter names, and none else."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("encoder", "quant_conv", "decoder", "post_quant_conv", "quantize"):
            self.add_module(name, nn.Linear(1, 1))


@pytest.fixture
def make_options() -> Callable[[bool], Options]:
    """A function that returns the settings of a descriptor, with one step or with as many as ResShift takes."""

    def make(one_step: bool) -> Options:
        files = {"config": "c.yaml", "checkpoint": "unet.safetensors", "autoencoder": "vq.safetensors"}
        return Options(**files, chop_size=128, chop_stride=96, one_step=one_step)

    return make


@pytest.fixture
def calls() -> list[dict[str, Any]]:
    """The arguments of each call of the sampler."""
    return []


@pytest.fixture
def sources(tmp_path: Path, calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the checkout and the weights of both networks; the configuration asks for 15 steps."""

    def sample(**arguments: Any) -> Tensor:
        calls.append(arguments)
        _, _, height, width = arguments["y"].shape
        return torch.zeros(1, 3, 4 * height, 4 * width)

    def instantiate(config: Any) -> Any:
        if config == "model":
            return nn.Linear(2, 3)
        return Autoencoder() if config == "autoencoder" else SimpleNamespace(p_sample_loop=sample)

    monkeypatch.setattr(sys, "path", [*sys.path])
    module = SimpleNamespace(instantiate_from_config=instantiate)
    monkeypatch.setitem(sys.modules, "utils.util_common", module)
    for folder in ("SinSR", "weights"):
        (tmp_path / folder).mkdir()
    text = "{model: model, autoencoder: autoencoder, diffusion: {params: {steps: 15}}}"
    (tmp_path / "SinSR" / "c.yaml").write_text(text)
    save_file(nn.Linear(2, 3).state_dict(), tmp_path / "weights" / "unet.safetensors")
    save_file(Autoencoder().state_dict(), tmp_path / "weights" / "vq.safetensors")
    return tmp_path
