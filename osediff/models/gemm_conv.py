"""Convolutions with far more weights than positions, as matrix products on the CPU.

In the deepest layers of the UNet an image has only a few positions: 64 at 512 pixels, one at 64. The time of such a
convolution is the time to read its weights. oneDNN copies them into another layout at every call, and torch without
oneDNN multiplies sample by sample. One product over all samples reads them once, which is two to five times as fast
(docs/measurements.md).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from osediff.common.products import multiply

MIN_WEIGHTS, MAX_POSITIONS = (
    4_000_000,
    128,
)  # at least, and at most over all samples: where products were measured to be faster


class GemmConv2d(nn.Conv2d):
    """The same convolution up to rounding, computed as one matrix product if that is faster."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``x`` (N, in, H, W) to (N, out, h, w)."""
        tall, wide = (
            (x.shape[2 + n] + 2 * int(self.padding[n]) - self.kernel_size[n]) // self.stride[n] + 1 for n in (0, 1)
        )
        if x.device.type != "cpu" or len(x) * tall * wide > MAX_POSITIONS:
            return super().forward(x)
        columns = F.unfold(x, self.kernel_size, padding=self.padding, stride=self.stride)  # type: ignore[arg-type]
        rows = multiply(columns.transpose(1, 2).flatten(0, 1), self.weight.flatten(1), self.bias)
        return rows.view(len(x), tall, wide, -1).permute(0, 3, 1, 2)


def use_gemm_convolutions(network: nn.Module) -> None:
    """Convert the convolutions of ``network`` with many weights to GemmConv2d, in place; the state dict stays."""
    for module in network.modules():
        if type(module) is not nn.Conv2d or module.weight.numel() < MIN_WEIGHTS:
            continue
        if module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros":
            module.__class__ = GemmConv2d
