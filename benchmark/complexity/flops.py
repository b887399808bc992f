"""Count the multiply-adds and parameters of a method's networks for Table 2.

    python -m benchmark.complexity.flops --spec FILE.yaml --out FILE.json

Networks are counted on the meta device, so no weights are needed. fvcore has no rule for fused attention and leaves it
out without a warning. This module adds a rule, and tells the products of attention in plain operators from layers. Both
numbers are recorded, since published numbers often do not include attention. On the meta device fvcore cannot trace
convolutions (torch 2.15), so they are replaced by an operator that is counted by the same formula. The record names
operators that no rule counts. Tests compare with torch's FlopCounterMode.
"""

from __future__ import annotations

import logging
import math
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import bmm_flop_jit, conv_flop_count, einsum_flop_jit, get_shape, matmul_flop_jit
from torch import Tensor, nn
from tqdm import tqdm

from benchmark.complexity.entry_points import failure_line, load_entry_point
from benchmark.complexity.records import MethodCount, ModuleCount, write_record
from benchmark.complexity.specs import CountSpec
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import read

# No arithmetic worth counting: reshaping, element by element, constants. Anything else without a rule is reported.
FREE = """
_softmax __and__ __or__ abs add add_ alias arange argmax argmin bitwise_and bitwise_not bitwise_or cat chunk clamp clone
constant_pad_nd contiguous copy_ cos cumsum detach div div_ dropout embedding empty_like eq exp expand expand_as fill_
flatten float floor_divide full full_like gather ge gelu gt hardtanh index index_put_ index_select le leaky_relu
leaky_relu_ lift_fresh lt masked_fill masked_fill_ max mean meshgrid min mul mul_ ne neg new_empty new_full new_zeros
norm numpy_T ones ones_like pad permute pixel_shuffle pixel_unshuffle pow prelu reciprocal reflection_pad2d relu relu_
remainder repeat repeat_interleave reshape roll rsqrt rsub scalar_tensor scatter scatter_ select sigmoid silu silu_ sin
slice softmax softplus split sqrt square squeeze stack sub sum t tanh tile to transpose tril triu type_as unbind
unflatten unfold unsqueeze view view_as where zeros zeros_like
"""


@dataclass(frozen=True)
class OperatorCount:
    """Multiply-adds of one call of a module, and the operators that no rule counts, with their number."""

    without_attention: int
    attention: int
    uncounted: dict[str, int]

    @property
    def total(self) -> int:
        """All multiply-adds."""
        return self.without_attention + self.attention


def _attention_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """Queries times keys, and weights times values: B H L S (E + Ev)."""
    query, key, value = (get_shape(tensor) for tensor in inputs[:3])
    batch = math.prod(query[:-2])
    return Counter({"attention": batch * query[-2] * key[-2] * (query[-1] + value[-1])})


def _added_product_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """``baddbmm``, the first product of attention in older code; fvcore leaves it out, as it does fused attention."""
    left, right = (get_shape(tensor) for tensor in inputs[1:3])
    return Counter({"attention": math.prod(left) * right[-1]})


def _product_kind(shapes: Sequence[Sequence[int]]) -> str:
    """Return ``attention`` if every tensor of a product has a batch, which no weight has, else ``product``."""
    return "attention" if all(len(shape) > 2 for shape in shapes) else "product"


def _product_macs(count: Callable[..., float], inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """Return the multiply-adds of a product of two tensors, by fvcore's formula ``count``."""
    return Counter({_product_kind([get_shape(tensor) for tensor in inputs[:2]]): int(count(inputs, outputs))})


def _einsum_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """Return the product of the extents of all indices; fvcore reads numpy's text of it, which has four digits."""
    shapes = [get_shape(tensor) for tensor in inputs[1].node().inputs()]
    terms = inputs[0].toIValue().replace(" ", "").split("->")[0].split(",")
    if len(terms) != 2 or "..." in terms[0] + terms[1]:
        return Counter({_product_kind(shapes): int(einsum_flop_jit(inputs, outputs))})
    extents = {
        index: extent
        for term, shape in zip(terms, shapes, strict=True)
        for index, extent in zip(term, shape, strict=True)
    }
    return Counter({_product_kind(shapes): math.prod(extents.values())})


def _convolution_macs(inputs: list[Any], outputs: list[Any], transposed: bool = False) -> Counter[str]:
    """Return the multiply-adds of a convolution, by fvcore's formula."""
    shapes = get_shape(inputs[0]), get_shape(inputs[1]), get_shape(outputs[0])
    return Counter({"conv": conv_flop_count(*shapes, transposed=transposed)})


HANDLES = {
    "aten::scaled_dot_product_attention": _attention_macs,
    "aten::baddbmm": _added_product_macs,
    "aten::bmm": partial(_product_macs, bmm_flop_jit),
    "aten::matmul": partial(_product_macs, matmul_flop_jit),
    "aten::einsum": _einsum_macs,
    "counting::conv": _convolution_macs,
    "counting::conv_transpose": partial(_convolution_macs, transposed=True),
    "aten::_convolution_mode": _convolution_macs,
}
library = torch.library.Library("counting", "DEF")  # type: ignore[no-untyped-call]
library.define(  # type: ignore[no-untyped-call]
    "conv(Tensor x, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, int groups) -> Tensor"
)
library.define("conv_transpose(Tensor x, Tensor weight, int[] sides, int groups) -> Tensor")  # type: ignore[no-untyped-call]


def _empty_convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
) -> Tensor:
    """Return an empty tensor of the convolution's output shape."""
    # While fvcore traces, a shape is made of tensors.
    (n, _, *extents), (channels, _, *kernel) = ([int(extent) for extent in tensor.shape] for tensor in (x, weight))
    sides = [
        (extent + 2 * pad - step * (size - 1) - 1) // jump + 1
        for extent, pad, step, size, jump in zip(extents, padding, dilation, kernel, stride, strict=True)
    ]
    return x.new_empty((n, channels, *sides))


def _empty_transposed_convolution(x: Tensor, weight: Tensor, sides: list[int], groups: int) -> Tensor:
    """Return an empty tensor of the transposed convolution's output shape."""
    return x.new_empty((int(x.shape[0]), int(weight.shape[1]) * groups, *sides))


library.impl("conv", _empty_convolution, "Meta")  # type: ignore[no-untyped-call]
library.impl("conv_transpose", _empty_transposed_convolution, "Meta")  # type: ignore[no-untyped-call]


def _each(value: Any, dimensions: int) -> list[int]:
    """Return a setting of a convolution for each dimension."""
    return [int(item) for item in value] if isinstance(value, tuple | list) else [int(value)] * dimensions


def _route(
    dimensions: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    if isinstance(padding, str):
        kernel = [int(extent) for extent in weight.shape[2:]]
        padding = [0] * dimensions if padding == "valid" else [(size - 1) // 2 for size in kernel]
    settings = (_each(value, dimensions) for value in (stride, padding, dilation))
    return torch.ops.counting.conv(input, weight, bias, *settings, groups)  # type: ignore[no-any-return]


def _route_transposed(
    dimensions: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    settings = (_each(value, dimensions) for value in (stride, padding, output_padding, dilation))
    sides = [
        (int(extent) - 1) * step - 2 * pad + jump * (int(size) - 1) + more + 1
        for extent, size, step, pad, more, jump in zip(input.shape[2:], weight.shape[2:], *settings, strict=True)
    ]
    return torch.ops.counting.conv_transpose(input, weight, sides, groups)  # type: ignore[no-any-return]


@contextmanager
def _routed_convolutions() -> Iterator[None]:
    """Replace torch's convolution functions by the counted operator inside the block."""
    routes = {f"conv{dimensions}d": partial(_route, dimensions) for dimensions in (1, 2, 3)}
    routes |= {f"conv_transpose{dimensions}d": partial(_route_transposed, dimensions) for dimensions in (1, 2, 3)}
    originals = {name: getattr(F, name) for name in routes}
    for name, route in routes.items():
        setattr(F, name, route)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(F, name, original)


class _Context:
    """Context of a custom autograd function. It stores nothing, since counting never runs a backward pass."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **keywords: None


def _forward_alone(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    return function.forward(_Context(), *arguments)


@contextmanager
def _plain_autograd_functions() -> Iterator[None]:
    """Run custom autograd functions (older gradient checkpointing) by their forward pass: they hide operators."""
    with patch.object(torch.autograd.Function, "apply", classmethod(_forward_alone)):
        yield


class _Positional(nn.Module):
    """A module with keyword arguments bound, since fvcore hands over positional ones only."""

    def __init__(self, module: nn.Module, keywords: dict[str, Any]) -> None:
        super().__init__()
        self.module, self.keywords = module, keywords

    def forward(self, *arguments: Any) -> Any:
        """Return all tensors of the module's output: what no output depends on is not traced."""
        return _tensors(self.module(*arguments, **self.keywords))


def _tensors(output: Any) -> tuple[Tensor, ...]:
    if isinstance(output, Tensor):
        return (output,)
    if isinstance(output, dict):
        items = tuple(output.values())
    elif isinstance(output, tuple | list):
        items = tuple(output)
    else:  # a distribution of latents has the tensor that it is made of
        parameters = getattr(output, "parameters", None)
        items = (parameters,) if isinstance(parameters, Tensor) else ()
    return tuple(tensor for item in items for tensor in _tensors(item))


@torch.no_grad()
def count_operators(profiled: ProfiledModule) -> OperatorCount:
    """Count the multiply-adds of one call of ``profiled``, on the device that its arguments are on."""
    module = _Positional(profiled.module, dict(profiled.keywords)).eval().requires_grad_(False)
    on_meta = any(tensor.is_meta for tensor in profiled.arguments if isinstance(tensor, Tensor))
    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    routing = _routed_convolutions() if on_meta else nullcontext()
    with warnings.catch_warnings(), _plain_autograd_functions(), routing:
        warnings.simplefilter("ignore")  # torch's tracer warns of each shape that becomes a constant
        analysis = FlopCountAnalysis(module, profiled.arguments)
        analysis.set_op_handle(**HANDLES)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        by_operator, unknown = analysis.by_operator(), analysis.unsupported_ops()
    attention = int(by_operator.pop("attention", 0))
    uncounted = {name: number for name, number in unknown.items() if name.removeprefix("aten::") not in FREE.split()}
    return OperatorCount(int(sum(by_operator.values())), attention, uncounted)


def count_parameters(modules: Sequence[ProfiledModule]) -> list[int]:
    """Count the parameters of each module; those that several share count for the first of them."""
    seen: set[int] = set()
    counts = []
    for profiled in modules:
        new = [parameter for parameter in profiled.module.parameters() if id(parameter) not in seen]
        seen |= {id(parameter) for parameter in new}
        counts.append(sum(parameter.numel() for parameter in new))
    return counts


def count_modules(modules: Sequence[ProfiledModule]) -> tuple[ModuleCount, ...]:
    """Count each module over all its calls for one image."""
    counts = []
    parameters = count_parameters(modules)
    for profiled, number in zip(tqdm(modules, desc="counting", unit="network"), parameters, strict=True):
        operators = count_operators(profiled)
        counts.append(
            ModuleCount(
                name=profiled.name,
                calls=profiled.calls,
                macs=operators.without_attention * profiled.calls,
                attention_macs=operators.attention * profiled.calls,
                parameters=number,
                trainable_parameters=profiled.trainable,
                uncounted=operators.uncounted,
            )
        )
    return tuple(counts)


def count_method(spec: CountSpec) -> MethodCount:
    """Count the networks of ``spec`` on the meta device.

    Raises:
        InputError: the entry point cannot be loaded, or gives no network.
    """
    load: Callable[..., Sequence[ProfiledModule]] = load_entry_point(spec.modules)
    counts: dict[str, tuple[ModuleCount, ...]] = {}
    record = MethodCount(title=spec.title, steps=spec.steps, size=spec.size)
    try:
        for key, merged in (("merged", True), ("unmerged", False)) if spec.lora else (("merged", None),):
            options = spec.options if merged is None else {**spec.options, "merged": merged}
            with torch.device("meta"), torch.no_grad():
                modules = list(load(spec.size, **options))
            if not modules:
                raise InputError(f"{spec.title}: {spec.modules} gives no networks to count")
            counts[key] = count_modules(modules)
    except InputError:
        raise
    except Exception as error:
        if not spec.contain:
            raise
        traceback.print_exc()
        print(f"{spec.title}: not counted, its record says so", file=sys.stderr)
        return record.model_copy(update={"failed": failure_line(error)})
    return record.model_copy(update=counts)


def main() -> None:
    """Command line: a spec in, a record of multiply-adds and parameters out."""
    parser = make_parser("benchmark.complexity.flops", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file, see benchmark.complexity.specs.CountSpec")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    write_record(args.out, count_method(read(args.spec, CountSpec)))


if __name__ == "__main__":
    run(main)
