"""The optimizer: the learning rate's schedule, clipping, and a state that continues to the same weights."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from osediff.common.errors import InputError
from osediff.training.optimization import OptimizerState, rate_of_step
from tests.osediff.tiny import edit


def test_the_rate_is_constant_or_falls_along_half_a_cosine() -> None:
    constant = edit({"schedule": "constant", "learning_rate": 5e-5, "steps": 100})
    assert {rate_of_step(constant, step) for step in (0, 50, 99)} == {5e-5}
    cosine = edit({"schedule": "cosine", "learning_rate": 2.0, "steps": 100})
    rates = [rate_of_step(cosine, step) for step in (0, 25, 50, 75)]
    assert rates == pytest.approx([2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5)])
    assert 0 < rate_of_step(cosine, 99) < 1e-3


def make_state(clip: float = 1.0) -> tuple[nn.Parameter, OptimizerState]:
    """A parameter and the optimizer that trains it."""
    parameter = nn.Parameter(torch.tensor([1.0, -2.0]))
    recipe = edit({"optimizer": {"gradient_clip": clip, "weight_decay": 0.1}})
    return parameter, OptimizerState({"w": parameter}, recipe, Accelerator(cpu=True))


def test_a_step_is_that_of_adamw() -> None:
    """The first step moves by rate times the gradient's sign, after the decay; the norm is that before clipping."""
    parameter, state = make_state()
    state.backward((parameter * torch.tensor([3.0, 4.0])).sum())
    assert state.step(0.01) == pytest.approx(5.0)
    expected = torch.tensor([1.0, -2.0]) * (1 - 0.01 * 0.1) - 0.01
    assert torch.allclose(parameter, expected, atol=1e-6) and parameter.grad is None


def test_gradients_are_clipped_to_the_recipes_norm() -> None:
    (one, unclipped), (other, clipped) = make_state(clip=1e9), make_state(clip=1e-3)
    for parameter, state in ((one, unclipped), (other, clipped)):
        state.backward((parameter * torch.tensor([3.0, 4.0])).sum())
        state.step(0.01)
    # AdamW's moments hold the clipped gradient: (3, 4) / 5 * 1e-3, times 1 - beta 1.
    moments = clipped.optimizer.state[other]["exp_avg"]
    assert torch.allclose(moments, 0.1 * 1e-3 * torch.tensor([0.6, 0.8]))
    assert torch.allclose(unclipped.optimizer.state[one]["exp_avg"], 0.1 * torch.tensor([3.0, 4.0]))


def test_a_saved_state_continues_to_the_same_weights() -> None:
    parameter, state = make_state()
    for step in range(4):
        if step == 2:
            saved = copy.deepcopy(state.state_dict())
        state.backward(parameter.square().sum())
        state.step(0.1)
    other, resumed = make_state()
    resumed.load_state_dict(saved)
    for _ in range(2):
        resumed.backward(other.square().sum())
        resumed.step(0.1)
    assert torch.equal(parameter, other)
    with pytest.raises(InputError, match="does not fit this network"):
        resumed.load_state_dict(saved | {"tensors": {"v": torch.zeros(2)}})
