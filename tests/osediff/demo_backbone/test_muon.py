"""Muon: orthogonal steps of one length, for the hidden weights alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from osediff.demo_backbone.muon import Muon, hidden_weights, orthogonalize
from osediff.demo_backbone.stages import new_backbone
from tests.osediff.demo_backbone.tiny_recipe import SPEC


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (12, 12)])
def test_orthogonalizing_keeps_directions_and_evens_their_lengths(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    values = left.T @ orthogonalize(matrix) @ right.T  # diagonal where the singular vectors are the same
    assert torch.allclose(values, torch.diag(values.diagonal()), atol=1e-4)
    assert float(values.diagonal().min()) > 0.6 and float(values.max()) < 1.3


def test_muon_steps_have_one_length_whatever_the_gradients_scale() -> None:
    moved = []
    for scale in (1.0, 1000.0):
        parameter = nn.Parameter(torch.zeros(4, 2, 3, 3))
        optimizer = Muon([parameter], lr=0.1)
        parameter.grad = scale * torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0))
        optimizer.step()
        moved.append(parameter.detach())
    assert torch.allclose(moved[0], moved[1], rtol=1e-3, atol=1e-5)
    assert float(torch.linalg.matrix_norm(moved[0].flatten(1), 2)) == pytest.approx(0.1, rel=0.3)


def test_first_and_last_layers_are_not_hidden() -> None:
    unet = new_backbone(SPEC.recipe).unet
    names = {id(p): name for name, p in unet.named_parameters()}
    hidden = {names[id(p)] for p in hidden_weights(unet)}
    assert {"conv_in.weight", "conv_out.weight", "conv_norm_out.weight"}.isdisjoint(hidden)
    assert "down_blocks.0.resnets.0.conv1.weight" in hidden
