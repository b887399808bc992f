"""Counting: closed forms, what is named as uncounted, shared parameters, and code that breaks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.complexity.flops import count_method, count_operators, count_parameters
from benchmark.complexity.specs import CountSpec
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule, method_module


class Attention(nn.Module):
    """Scaled dot-product attention of the inputs as they are."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("module", "shapes", "macs"),
    [
        (nn.Linear(7, 5), [(3, 7)], 3 * 7 * 5),
        # Output 6x5: (11 + 2 - 3) // 2 + 1 and (9 + 2 - 3) // 2 + 1.
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), [(2, 4, 11, 9)], 2 * 6 * 5 * 6 * 4 * 9),
        (nn.Conv2d(8, 8, 5, padding="same", groups=4), [(1, 8, 10, 10)], 10 * 10 * 8 * 2 * 25),
        (nn.Conv2d(2, 3, (1, 3), dilation=(1, 2)), [(1, 2, 5, 9)], 5 * 5 * 3 * 2 * 3),
        (nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2), [(2, 4, 5, 7)], 2 * 5 * 7 * 4 * 3 * 4),
        (nn.Sequential(nn.ConvTranspose1d(4, 2, 3, 2, 1, 1), nn.Conv1d(2, 1, 1)), [(1, 4, 5)], 5 * 4 * 2 * 3 + 10 * 2),
        (nn.Conv1d(4, 6, 3, padding=1), [(2, 4, 11)], 2 * 11 * 6 * 4 * 3),
        (Attention(), [(2, 3, 10, 8), (2, 3, 12, 8), (2, 3, 12, 6)], 2 * 3 * 10 * 12 * (8 + 6)),
    ],
)
def test_closed_forms(module: nn.Module, shapes: list[tuple[int, ...]], macs: int, device: str) -> None:
    inputs = tuple(torch.zeros(shape, device=device) for shape in shapes)
    count = count_operators(ProfiledModule("one", module.to(device), inputs))
    assert count.total == macs and count.uncounted == {}
    assert count.attention == (macs if isinstance(module, Attention) else 0)


def test_an_operator_that_nothing_counts_is_named() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            exponential: Tensor = torch.linalg.matrix_exp(x @ x)
            return exponential

    count = count_operators(ProfiledModule("odd", Odd(), (torch.zeros(4, 4),)))
    assert count.uncounted == {"aten::linalg_matrix_exp": 1} and count.total == 4 * 4 * 4


def test_a_custom_autograd_function_hides_nothing() -> None:
    """Older gradient checkpointing runs a network inside such a function."""

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
            ctx.save_for_backward(x, weight)
            return x @ weight

    class Checkpointed(nn.Module):
        def forward(self, x: Tensor, weight: Tensor) -> Tensor:
            return Wrapped.apply(x, weight)  # type: ignore[no-any-return]

    inputs = torch.zeros(3, 7, device="meta"), torch.zeros(7, 5, device="meta")
    assert count_operators(ProfiledModule("one", Checkpointed(), inputs)).total == 3 * 7 * 5


def test_all_that_an_output_depends_on_is_counted() -> None:
    """An encoder gives a distribution, beside features from before its last layers."""

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(8, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> tuple[SimpleNamespace, list[Tensor]]:
            features = self.first(x)
            return SimpleNamespace(parameters=self.last(features)), [features]

    assert count_operators(ProfiledModule("one", Encoder(), (torch.zeros(3, 8),))).total == 3 * (8 * 4 + 4 * 2)


def test_fused_attention_is_counted_as_torch_counts_it() -> None:
    """FlopCounterMode counts two operations for a multiply-add, but no norms (five a number in fvcore)."""
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, device="meta").eval()
    x = torch.zeros(1, 10, 16, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer(x)
    norms = 2 * 5 * x.numel()
    count = count_operators(ProfiledModule("layer", layer, (x,)))
    assert count.total - norms == counter.get_total_flops() / 2
    assert count.attention == 2 * 10 * 10 * (8 + 8)


class Windows(nn.Module):
    """Attention within windows by plain products, as Swin's, and a layer of ``mlp``; ``x`` (windows, positions, C)."""

    def __init__(self, product: str) -> None:
        super().__init__()
        self.product, self.mlp, self.table = product, nn.Linear(8, 12), nn.Parameter(torch.zeros(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``mlp`` of what attention and a product with a table leave of ``x``."""
        windows, positions, _ = x.shape
        heads = x.reshape(windows, positions, 2, 4).permute(0, 2, 1, 3)
        if self.product == "matmul":
            mixed = (heads @ heads.transpose(-2, -1)).softmax(-1) @ heads
            mixed = mixed.transpose(1, 2).reshape(windows, positions, 8)
        elif self.product == "einsum":
            weights = torch.einsum("bid,bjd->bij", x, x).softmax(-1)
            mixed = torch.einsum("bij,bjd->bid", weights, x)
        else:
            scores = torch.baddbmm(x.new_zeros(windows, positions, positions), x, x.transpose(1, 2), beta=0, alpha=0.5)
            mixed = torch.bmm(scores.softmax(-1), x)
        output: Tensor = self.mlp(mixed @ self.table)
        return output


@pytest.mark.parametrize("product", ["matmul", "einsum", "baddbmm"])
def test_attention_in_plain_products_is_told_from_layers_as_torch_tells_it(product: str) -> None:
    """Torch computes products of two batches by ``bmm``, and products with a weight by ``mm`` or ``addmm``."""
    network, x = Windows(product).to("meta").eval(), torch.zeros(6, 16, 8, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(x)
    by_operator = {str(name): flops / 2 for name, flops in counter.get_flop_counts()["Global"].items()}
    attention = sum(macs for name, macs in by_operator.items() if name in ("aten.bmm", "aten.baddbmm"))
    count = count_operators(ProfiledModule("windows", network, (x,)))
    assert (count.attention, count.total) == (attention, counter.get_total_flops() / 2)
    assert 0 < count.attention < count.total and count.uncounted == {}


def shared_modules(size: int, merged: bool = True) -> list[ProfiledModule]:
    """Two networks that share a layer, the second of which is called fifty times."""
    layer, other = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=not merged)
    x = torch.zeros(size, 8)
    return [
        ProfiledModule("first", layer, (x,), trainable=5),
        ProfiledModule("second", nn.Sequential(layer, other), (x,), calls=50),
    ]


def no_modules(size: int) -> list[ProfiledModule]:
    """Nothing to count."""
    return []


def broken_modules(size: int) -> list[ProfiledModule]:
    """Code that does not work."""
    raise KeyError("odd")


def spec(function: str, lora: bool = False, contain: bool = False) -> CountSpec:
    modules = function if ":" in function else f"{__name__}:{function}"
    return CountSpec(title="One", steps=50, size=16, modules=modules, options={}, lora=lora, contain=contain)


def test_networks_are_counted_as_often_as_they_are_called_and_share_parameters() -> None:
    count = count_method(spec("shared_modules", lora=True))
    first, second = count.merged
    assert (first.macs, second.macs) == (16 * 64, 50 * 2 * 16 * 64)
    assert (first.parameters, second.parameters) == (64, 64)
    assert (first.trainable_parameters, second.trainable_parameters) == (5, 0)
    assert count.unmerged[1].parameters == 64 + 8
    assert count_method(spec("shared_modules")).unmerged == ()


def test_a_method_of_a_network_has_the_parameters_of_its_layers() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 5))
    assert count_parameters([ProfiledModule("whole", method_module(network, "forward"))]) == [9 + 20]
    assert count_parameters([ProfiledModule("half", method_module(network, "forward", [network[0]]))]) == [9]


@pytest.mark.parametrize(
    ("modules", "line"),
    [
        ("osediff.profiling.networks:nothing", "osediff.profiling.networks:nothing cannot be loaded"),
        ("nowhere:modules", "nowhere:modules cannot be loaded"),
        ("no_modules", "gives no networks to count"),
    ],
)
def test_a_method_without_networks_is_named(modules: str, line: str) -> None:
    with pytest.raises(InputError, match=line):
        count_method(spec(modules, contain=True))


def test_code_that_breaks_is_an_error_or_on_demand_a_record() -> None:
    with pytest.raises(KeyError):
        count_method(spec("broken_modules"))
    count = count_method(spec("broken_modules", contain=True))
    assert count.failed == "KeyError: 'odd'" and count.merged == ()
