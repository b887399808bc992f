"""Spread a step's batch over processes, one for each device, and over micro-batches on a device."""

from __future__ import annotations

import resource
import sys

import torch
from accelerate import Accelerator

from osediff.common.devices import check_device
from osediff.common.errors import InputError
from osediff.recipe import Precision


def make_accelerator(device: str, precision: Precision, batch: int) -> Accelerator:
    """Return accelerate's view of this process and its siblings.

    Raises:
        InputError: the device is not here, cannot compute in ``precision``, or the processes cannot share ``batch``.
    """
    check_device(device)
    if device == "cpu" and precision == "fp16":
        raise InputError("fp16 training needs a GPU; use bf16 or fp32 on a CPU")
    accelerator = Accelerator(cpu=device == "cpu", mixed_precision="no" if precision == "fp32" else precision)
    if batch % accelerator.num_processes:
        raise InputError(f"a batch of {batch} cannot be shared by {accelerator.num_processes} processes")
    return accelerator


def share(step: int, batch: int, accelerator: Accelerator) -> list[int]:
    """Return the numbers of the samples of ``step`` that this process computes."""
    size = batch // accelerator.num_processes
    first = step * batch + accelerator.process_index * size
    return list(range(first, first + size))


def micro_batch_size(largest: int | None, batch: int, accelerator: Accelerator) -> int:
    """Return how many samples are computed at once: at most ``largest``, and a divisor of a device's share."""
    size = batch // accelerator.num_processes
    return next(count for count in range(min(largest or size, size), 0, -1) if size % count == 0)


def peak_memory(device: torch.device) -> str:
    """Return the peak memory of this process in GiB: of its GPU, or resident."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f}G"
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30:.1f}G"
