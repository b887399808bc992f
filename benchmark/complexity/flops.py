"""Multiply-adds of a network, counted by fvcore on the meta device or on a real one.

Counters miss attention in silence: fvcore has no rule for ``scaled_dot_product_attention`` and leaves it out. Here it
has one, and both numbers are kept, since published ones are without it. On the meta device fvcore cannot trace
convolutions (torch 2.15): they go through an operator of our own, which is counted by the same formula. Whatever
nothing has a rule for is named. The tests hold the counts against torch's FlopCounterMode and closed forms.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import conv_flop_count, get_shape
from torch import Tensor, nn

from osediff.common.profiling import Part

ATTENTION = "aten::scaled_dot_product_attention"
# No arithmetic worth counting: reshaping, element by element, constants. Anything else without a rule is reported.
FREE = """
_softmax abs add add_ arange argmax argmin bitwise_not cat chunk clamp clone constant_pad_nd contiguous copy_
cos detach div div_ dropout embedding eq exp expand expand_as fill_ flatten float full gather ge gelu gt
hardtanh index index_select le leaky_relu leaky_relu_ lift_fresh lt masked_fill max mean meshgrid min mul mul_
ne neg new_empty new_zeros norm ones ones_like pad permute pixel_shuffle pixel_unshuffle pow prelu reciprocal
reflection_pad2d relu relu_ repeat repeat_interleave reshape roll rsqrt rsub scalar_tensor select sigmoid silu
silu_ sin slice softmax softplus split sqrt square squeeze stack sub sum tanh tile to transpose tril triu
type_as unbind unflatten unfold unsqueeze view view_as where zeros zeros_like
"""


@dataclass(frozen=True)
class Count:
    """Multiply-adds of one call, and the operators that nothing counts, with how often they occur."""

    without_attention: int
    attention: int
    uncounted: dict[str, int]

    @property
    def total(self) -> int:
        """All multiply-adds."""
        return self.without_attention + self.attention


def attention_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """Queries times keys, and weights times values: B H L S (E + Ev)."""
    query, key, value = (get_shape(each) for each in inputs[:3])
    batch = math.prod(query[:-2])
    return Counter({"attention": batch * query[-2] * key[-2] * (query[-1] + value[-1])})


def routed_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """The multiply-adds of a convolution, by fvcore's own formula."""
    return Counter(
        {"conv": conv_flop_count(get_shape(inputs[0]), get_shape(inputs[1]), get_shape(outputs[0]), transposed=False)}
    )


library = torch.library.Library("counting", "DEF")
library.define(
    "conv2d(Tensor x, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, int groups) -> Tensor"
)


def routed(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
) -> Tensor:
    """An empty tensor of the shape that ``conv2d`` gives."""
    # While fvcore traces, a shape is made of tensors.
    (n, _, *extents), (channels, _, *kernel) = ([int(each) for each in tensor.shape] for tensor in (x, weight))
    sides = [
        (extent + 2 * pad - step * (size - 1) - 1) // jump + 1
        for extent, pad, step, size, jump in zip(extents, padding, dilation, kernel, stride, strict=True)
    ]
    return x.new_empty((n, channels, *sides))


library.impl("conv2d", routed, "Meta")


@contextmanager
def convolutions_routed() -> Iterator[None]:
    """``torch.nn.functional.conv2d`` is our operator inside the block."""
    original = F.conv2d

    def pair(value: Any) -> list[int]:
        return [int(each) for each in value] if isinstance(value, tuple | list) else [int(value)] * 2

    def route(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:  # fmt: skip
        if isinstance(padding, str):
            sizes = [int(each) for each in weight.shape[2:]]
            padding = [0, 0] if padding == "valid" else [(size - 1) // 2 for size in sizes]
        return torch.ops.counting.conv2d(input, weight, bias, pair(stride), pair(padding), pair(dilation), groups)

    F.conv2d = route  # type: ignore[assignment]
    try:
        yield
    finally:
        F.conv2d = original


class Positional(nn.Module):
    """A module with keyword arguments bound, since fvcore hands over positional ones only."""

    def __init__(self, module: nn.Module, keywords: dict[str, Any]) -> None:
        super().__init__()
        self.module, self.keywords = module, keywords

    def forward(self, *arguments: Any) -> Any:
        """The module's output; of several, tensors alone, so that tracing can return it."""
        found = self.module(*arguments, **self.keywords)
        found = getattr(found, "latent_dist", found)
        return found if isinstance(found, Tensor | tuple | dict) else getattr(found, "parameters", found)


def count(part: Part) -> Count:
    """Multiply-adds of one call of ``part``."""
    module = Positional(part.module, dict(part.keywords)).eval()
    on_meta = any(tensor.is_meta for tensor in part.arguments if isinstance(tensor, Tensor))
    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's tracer has much to say of shapes that become constants
        analysis = FlopCountAnalysis(module, part.arguments)
        handles = {ATTENTION: attention_macs, "counting::conv2d": routed_macs, "aten::_convolution_mode": routed_macs}
        analysis.set_op_handle(**handles)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        if on_meta:
            with convolutions_routed():
                by_operator, unknown = analysis.by_operator(), analysis.unsupported_ops()
        else:
            by_operator, unknown = analysis.by_operator(), analysis.unsupported_ops()
    attention = int(by_operator.pop("attention", 0))
    uncounted = {name: number for name, number in unknown.items() if name.removeprefix("aten::") not in FREE.split()}
    return Count(int(sum(by_operator.values())), attention, uncounted)


def parameters(parts: list[Part]) -> dict[str, int]:
    """Weights of each part; one that several share counts for the first of them."""
    seen: set[int] = set()
    found = {}
    for part in parts:
        own = [p for p in part.module.parameters() if id(p) not in seen]
        seen |= {id(p) for p in own}
        found[part.name] = sum(p.numel() for p in own)
    return found
