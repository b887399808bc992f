"""What AdcSR's adapter does around the official network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from baselines.adcsr import adapter
from osediff.common.errors import InputError

Weights = dict[str, torch.Tensor]


@pytest.mark.parametrize("size", [(16, 32), (33, 37)])
def test_sides_may_be_any_and_the_colors_are_those_of_the_lr_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    shapes = []

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            shapes.append(tuple(x.shape[2:]))
            return nn.functional.interpolate(3 * x + 1, scale_factor=4)

    decoder: Any = nn.Module()
    decoder.up_blocks = []
    decoder.conv_norm_out = decoder.conv_act = decoder.conv_out = nn.Identity()
    monkeypatch.setattr(adapter, "build_networks", lambda checkout: (Net(), decoder))
    (tmp_path / "weights").mkdir()
    for name in ("net.pkl", "decoder.ckpt"):
        torch.save({"unused": torch.ones(1)}, tmp_path / "weights" / name)
    restore = adapter.load(tmp_path, adapter.Options(checkpoint="net.pkl", decoder="decoder.ckpt"), "cpu", tmp_path)
    lr = np.random.default_rng(0).integers(40, 200, (*size, 3), np.uint8)
    sr = restore(lr, "a", None)
    assert shapes[0][0] % 16 == shapes[0][1] % 16 == 0
    # Twice the contrast and another brightness are undone; the official script truncates.
    assert np.abs(sr.astype(int) - lr.repeat(4, axis=0).repeat(4, axis=1)).max() <= 1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda weights: weights["net.pkl"].pop("bias"), r"net\.pkl: bias is not in it"),
        (
            lambda weights: weights["decoder.ckpt"].update({"decoder.weight": torch.ones(2, 2)}),
            r"decoder\.ckpt: decoder\.weight has the shape \(2, 2\)",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Weights]], object], line: str
) -> None:
    monkeypatch.setattr(adapter, "build_networks", lambda checkout: (nn.Linear(2, 3), nn.Linear(2, 3)))
    (tmp_path / "weights").mkdir()
    weights = {"net.pkl": {"weight": torch.ones(3, 2), "bias": torch.ones(3)}}
    weights["decoder.ckpt"] = {f"decoder.{name}": value for name, value in weights["net.pkl"].items()}
    change(weights)
    for name, content in weights.items():
        torch.save(content, tmp_path / "weights" / name)
    options = adapter.Options(checkpoint="net.pkl", decoder="decoder.ckpt")
    with pytest.raises(InputError, match=rf"{line}; this is a checkpoint of another network, get it anew$"):
        adapter.load(tmp_path, options, "cpu", tmp_path)
