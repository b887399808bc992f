"""The optimizer of Algorithm 1's two steps: AdamW, learning-rate schedule, clipping, loss scaling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from osediff.models.adapter_files import copy_tensors
from osediff.recipe import Recipe


def rate_of_step(recipe: Recipe, step: int) -> float:
    """Return the rate of ``step``, from 0: constant as in the paper, or falling to zero along half a cosine."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


class OptimizerState:
    """Parameters with their AdamW optimizer; gradients are summed over processes, clipped, applied and cleared.

    ``buffers``: tensors besides the parameters that a training state must hold.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        recipe: Recipe,
        accelerator: Accelerator,
        buffers: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.parameters, self.buffers, self.accelerator = parameters, buffers or {}, accelerator
        self.gradient_clip = recipe.optimizer.gradient_clip
        for parameter in parameters.values():
            parameter.data = parameter.data.float()  # PEFT makes them in the precision of the frozen weights
        self.optimizer = torch.optim.AdamW(
            list(parameters.values()),
            lr=recipe.learning_rate,
            betas=recipe.optimizer.betas,
            weight_decay=recipe.optimizer.weight_decay,
        )
        self.scaler = torch.amp.GradScaler("cuda", enabled=accelerator.mixed_precision == "fp16")

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of ``loss``, which is a part of the step's loss."""
        torch.autograd.backward(self.scaler.scale(loss))

    def step(self, rate: float) -> float:
        """Take one step at learning rate ``rate``; return the gradient's norm before clipping."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.accelerator.num_processes > 1:
            self._sum_over_processes()
        self.scaler.unscale_(self.optimizer)  # after the sum, so that all processes see an overflow
        norm = nn.utils.clip_grad_norm_(list(self.parameters.values()), self.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return float(norm)

    def _sum_over_processes(self) -> None:
        """Sum the gradients of all processes, in one message: one for each tensor costs more than the computing."""
        parameters = list(self.parameters.values())
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
        summed = self.accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), "sum")
        for parameter, part in zip(parameters, summed.split([one.numel() for one in parameters]), strict=True):
            parameter.grad = part.view_as(parameter)

    def _tensors(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in {**self.parameters, **self.buffers}.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what a training state holds: tensors, moments of AdamW, loss scale."""
        return {
            "tensors": self._tensors(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up ``state``; InputError where its tensors do not fit."""
        copy_tensors(self._tensors(), state["tensors"], "training state")
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
