"""LPIPS of the paper's training takes a file that is here, is checked, and is the right one; nothing is downloaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from osediff.common.errors import InputError
from osediff.common.weights import LPIPS_VGG, find
from osediff.losses.perceptual import available_kind, lpips_vgg
from osediff.recipe import PerceptualLoss


def test_absent_and_other_weights_are_one_line(
    generator_stub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path))
    with pytest.raises(InputError, match=r"the loss lpips-vgg needs it; python -m osediff\.common\.artifacts fetch"):
        lpips_vgg(generator_stub)
    (tmp_path / LPIPS_VGG).write_bytes(os.urandom(100))
    with pytest.raises(InputError, match=r"lpips-vgg\.safetensors: is another file than config/metrics\.yaml says"):
        lpips_vgg(generator_stub)


def test_a_fallback_takes_the_place_of_absent_weights_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path))
    with_fallback = PerceptualLoss(kind="lpips-vgg", weight=2, fallback="encoder-features")
    assert available_kind(with_fallback) == "encoder-features"
    assert available_kind(PerceptualLoss(kind="lpips-vgg", weight=2)) == "lpips-vgg"
    (tmp_path / LPIPS_VGG).touch()
    assert available_kind(with_fallback) == "lpips-vgg"


@pytest.mark.slow
def test_gradients_flow_to_the_restored_image_alone(generator_stub: Any) -> None:
    if find(LPIPS_VGG) is None:
        pytest.skip(
            "the weights are not here: python -m osediff.common.artifacts fetch metric-weights --only lpips-vgg"
        )
    distance = lpips_vgg(generator_stub)
    torch.manual_seed(0)
    target = torch.rand(1, 3, 64, 64) * 2 - 1
    restored = (target + 0.2 * torch.randn_like(target)).clamp(-1, 1).requires_grad_()
    value = distance(restored, target)
    torch.autograd.backward(value)
    assert value > 0.01 and restored.grad is not None and restored.grad.abs().sum() > 0
    assert distance(target, target).item() == pytest.approx(0, abs=1e-6)
