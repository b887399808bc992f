"""How a training is computed, as against what it computes: devices, precision, and how a step's batch is spread."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from osediff.common.devices import check_device
from osediff.common.errors import InputError

Recipe = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What is asked for. At most ``micro_batch`` samples are computed at once on a device; None: all."""

    device: str = "cpu"
    precision: str = "fp32"
    micro_batch: int | None = None
    gradient_checkpointing: bool = False
    workers: int = 0


def optimizer(parameters: dict[str, nn.Parameter], recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with the released code's settings (betas 0.9 and 0.999, weight decay 0.01)."""
    return torch.optim.AdamW(list(parameters.values()), lr=recipe["learning_rate"], weight_decay=1e-2)


class OptimizerState:
    """Parameters with their optimizer: gradients are summed over processes, clipped to norm 1, applied and cleared."""

    def __init__(self, parameters: dict[str, nn.Parameter], recipe: Recipe, accelerator: Accelerator) -> None:
        self.parameters, self.accelerator = parameters, accelerator
        for parameter in parameters.values():
            parameter.data = parameter.data.float()  # PEFT makes them in the precision of the frozen weights
        self.optimizer = optimizer(parameters, recipe)
        self.scaler = torch.amp.GradScaler("cuda", enabled=accelerator.mixed_precision == "fp16")

    def backward(self, loss: Tensor) -> None:
        """Adds the gradient of ``loss``, a part of the step's."""
        self.scaler.scale(loss).backward()

    def step(self, rate: float) -> float:
        """One step at ``rate``; returns the gradient's norm before clipping."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.accelerator.num_processes > 1:
            for parameter in self.parameters.values():
                gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                parameter.grad = self.accelerator.reduce(gradient, "sum")
        self.scaler.unscale_(self.optimizer)  # after the sum, so that all processes see an overflow
        norm = nn.utils.clip_grad_norm_(list(self.parameters.values()), 1.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return float(norm)


def share(step: int, batch: int, accelerator: Accelerator) -> list[int]:
    """The samples of ``step`` that this process computes."""
    each = batch // accelerator.num_processes
    first = step * batch + accelerator.process_index * each
    return list(range(first, first + each))


def make_accelerator(options: Options, recipe: Recipe) -> Accelerator:
    """The devices and precision that ``options`` ask for. InputError where they are not here, or do not fit."""
    check_device(options.device)
    if options.device == "cpu" and options.precision == "fp16":
        raise InputError("fp16 training needs a GPU; use bf16 or fp32 on a CPU")
    mixed = "no" if options.precision == "fp32" else options.precision
    accelerator = Accelerator(cpu=options.device == "cpu", mixed_precision=mixed)
    if recipe["batch"] % accelerator.num_processes:
        raise InputError(f"a batch of {recipe['batch']} cannot be shared by {accelerator.num_processes} processes")
    return accelerator


def micro_batch(options: Options, batch: int, accelerator: Accelerator) -> int:
    """Samples that are computed at once: the largest number within ``options`` that divides a device's share."""
    each = batch // accelerator.num_processes
    return next(size for size in range(min(options.micro_batch or each, each), 0, -1) if each % size == 0)


def memory(device: torch.device) -> str:
    """Peak memory of this process: of its GPU, or resident."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f}G"
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30:.1f}G"
