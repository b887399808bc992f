"""Random numbers of a batch, sample by sample."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class SampleRNG:
    """Random numbers of a batch. Those of a sample depend only on its seed and on the number of earlier draws.

    So a batch gives the same numbers whole, in parts, or spread over processes.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def normal(self, like: Tensor) -> Tensor:
        """Draw standard normal numbers of the shape, dtype and device of ``like`` (N, ...), N the number of seeds."""
        return torch.stack([torch.randn(like.shape[1:], generator=generator) for generator in self.generators]).to(like)

    def integers(self, low: int, high: int) -> Tensor:
        """Draw integers (N,) from ``low`` to below ``high``, on the CPU."""
        return torch.cat([torch.randint(low, high, (1,), generator=generator) for generator in self.generators])
