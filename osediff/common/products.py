"""Products of float32 matrices by oneDNN, in linear layers on the CPU.

torch gives them to MKL, which uses half the vector width of AMD processors that have AVX-512. oneDNN, which torch uses
for convolutions and half precision, uses all of it, so a product takes half the time (docs/measurements.md).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

# Input and output channels: narrower layers take too little time to matter, and keep torch's bits.
MIN_CHANNELS = 320


class Product(torch.autograd.Function):
    """``x`` (..., in) times the transpose of ``weight`` (out, in), plus ``bias`` (out), by oneDNN."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Multiply."""
        ctx.save_for_backward(*((x, weight) if weight.requires_grad else (weight,)))
        return multiply_by_onednn(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Return the gradients of ``x``, ``weight`` and ``bias``, as far as they are needed."""
        *inputs, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        of_x, of_weight, of_bias = ctx.needs_input_grad  # type: ignore[attr-defined]
        rows = gradient.flatten(0, -2)
        return (
            multiply_by_onednn(gradient, weight.t(), None) if of_x else None,
            rows.t() @ inputs[0].flatten(0, -2) if of_weight else None,
            rows.sum(0) if of_bias else None,
        )


def multiply_by_onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the product without a gradient."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return what ``F.linear`` returns, up to rounding: by oneDNN for float32 on the CPU, else by torch."""
    by_onednn = (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.ndim > 1
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )
    if not by_onednn:
        return F.linear(x, weight, bias)
    result: Tensor = Product.apply(x, weight, bias)
    return result


class OneDNNLinear(nn.Linear):
    """The same layer up to rounding, by ``multiply``."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` (..., in) to (..., out)."""
        return multiply(x, self.weight, self.bias)


def use_onednn_products(network: nn.Module) -> None:
    """Convert the wide linear layers of ``network`` to OneDNNLinear, in place; the state dict stays.

    Those of time embeddings, which get one row for each image, stay as they are.
    """
    for name, module in network.named_modules():
        if type(module) is not nn.Linear or "time_emb" in name:
            continue
        if min(module.in_features, module.out_features) >= MIN_CHANNELS:
            module.__class__ = OneDNNLinear
