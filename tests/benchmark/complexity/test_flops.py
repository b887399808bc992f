"""Counting: closed forms, torch's own counter, and the figures of Stable Diffusion 2.1 and of OSEDiff on it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.complexity.flops import count, parameters
from osediff.common.profiling import Part
from osediff.models.profiled import parts, tagging
from tests.helpers import ROOT

BACKBONES: dict[str, Any] = yaml.safe_load((ROOT / "config" / "backbones.yaml").read_text())
SD21 = BACKBONES["sd2.1-random"]["random"]["sizes"]


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
        (Attention(), [(2, 3, 10, 8), (2, 3, 12, 8), (2, 3, 12, 6)], 2 * 3 * 10 * 12 * (8 + 6)),
    ],
)
def test_closed_forms(module: nn.Module, shapes: list[tuple[int, ...]], macs: int, device: str) -> None:
    found = count(Part("one", module.to(device), tuple(torch.zeros(shape, device=device) for shape in shapes)))
    assert found.total == macs and found.uncounted == {}
    assert found.attention == (macs if isinstance(module, Attention) else 0)


def test_an_operator_that_nothing_counts_is_named() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.matrix_exp(x @ x)

    found = count(Part("odd", Odd(), (torch.zeros(4, 4),)))
    assert found.uncounted == {"aten::linalg_matrix_exp": 1} and found.total == 4 * 4 * 4


@pytest.fixture(scope="module")
def osediff() -> dict[bool, list[Part]]:
    """OSEDiff's parts at 512 pixels, merged and not, on the meta device."""
    with torch.device("meta"):
        return {merged: parts(512, SD21, merged=merged) for merged in (True, False)}


# Counted on the official classes with their own versions of the libraries, on real tensors (G multiply-adds by fvcore
# with a rule for attention).
@pytest.mark.parametrize(
    ("merged", "expected"),
    [
        (True, [(542.366, 559.546), (339.505, 402.532), (1242.485, 1259.665), (22.303, 22.582)]),
        (False, [(553.023, 570.203), (342.508, 405.534), (1242.485, 1259.665), (22.303, 22.582)]),
    ],
)
def test_stable_diffusion_counts(
    osediff: dict[bool, list[Part]], merged: bool, expected: list[tuple[float, float]]
) -> None:
    found = [count(part) for part in osediff[merged]]
    counted = [(round(each.without_attention / 1e9, 3), round(each.total / 1e9, 3)) for each in found]
    assert counted == expected
    assert all(each.uncounted == {} for each in found)


def test_torchs_own_counter_agrees_up_to_norms(osediff: dict[bool, list[Part]]) -> None:
    """FlopCounterMode counts two operations for a multiply-add, attention too, but no norms and no upsampling."""
    for part in osediff[True][:3]:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            part.module(*part.arguments, **part.keywords)
        assert count(part).total == pytest.approx(counter.get_total_flops() / 2, rel=2.5e-3)


def test_parameters_are_those_of_the_released_networks(osediff: dict[bool, list[Part]]) -> None:
    found = parameters(osediff[True])
    # The decoder is a part of the autoencoder, whose weights stand with the encoder.
    assert found == {"VAE encoder": 83_653_863, "UNet": 865_910_724, "VAE decoder": 0, "text encoder": 340_387_840}
    trained = {name: number for part in osediff[True] for name, number in part.trainable.items()}
    assert trained == {
        "VAE encoder LoRA": 369_356,
        "UNet LoRA, generator": 4_055_712,
        "UNet LoRA, regularizer": 4_055_712,
        "conv_in": 11_840,
    }
    assert round(sum(trained.values()) / 1e6, 3) == 8.493


def test_ram_is_counted_and_with_it_the_published_figure_is_reached() -> None:
    """Counted on the official module: Swin-L 104.080, and tagging head, projections and classifier 58.349."""
    with torch.device("meta"):
        swin, head = tagging()
    found = [count(swin), count(head)]
    assert [round(each.total / 1e9, 3) for each in found] == [104.080, 58.348]
    assert all(each.uncounted == {} for each in found)
    # The paper's 2265 G: autoencoder, UNet, text encoder and Swin-L, LoRA beside the weights, attention not counted.
    assert round(553.023 + 342.508 + 1242.485 + 22.582 + found[0].total / 1e9, 2) == 2264.68
