"""OSEDiff's networks: counts and parameters against figures of the official classes, and torch's own counter."""

from __future__ import annotations

import pytest
import torch
from safetensors import safe_open
from torch.utils.flop_counter import FlopCounterMode

from benchmark.complexity.flops import OperatorCount, count_operators, count_parameters
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule
from osediff.profiling.networks import osediff_modules, ram_modules
from tests.helpers import ROOT

DEMO = str(ROOT / "backbones" / "demo")


# Counted on the official classes with their own versions of the libraries, on real tensors (G multiply-adds by fvcore
# with a rule for attention).
@pytest.mark.slow
@pytest.mark.parametrize(
    ("merged", "expected"),
    [
        (True, [(542.366, 559.546), (339.505, 402.532), (1242.485, 1259.665), (22.303, 22.582)]),
        (False, [(553.023, 570.203), (342.508, 405.534), (1242.485, 1259.665), (22.303, 22.582)]),
    ],
)
def test_stable_diffusion_counts(
    counts: dict[bool, list[OperatorCount]], merged: bool, expected: list[tuple[float, float]]
) -> None:
    rounded = [(round(c.without_attention / 1e9, 3), round(c.total / 1e9, 3)) for c in counts[merged]]
    assert rounded == expected
    assert all(count.uncounted == {} for count in counts[merged])


@pytest.mark.slow
def test_torchs_counter_agrees_up_to_norms(
    modules: dict[bool, list[ProfiledModule]], counts: dict[bool, list[OperatorCount]]
) -> None:
    """FlopCounterMode counts two operations for a multiply-add, attention too, but no norms and no upsampling."""
    for network, count in zip(modules[True][:3], counts[True], strict=False):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network.module(*network.arguments, **network.keywords)
        assert count.total == pytest.approx(counter.get_total_flops() / 2, rel=2.5e-3)


@pytest.mark.slow
def test_parameters_are_those_of_the_official_networks(modules: dict[bool, list[ProfiledModule]]) -> None:
    # The decoder is a part of the autoencoder, whose weights stand with the encoder.
    assert count_parameters(modules[True]) == [83_653_863, 865_910_724, 0, 340_387_840]
    lora_of_unet = 4_055_712  # of the generator, and again of the regularizer
    trainable = [network.trainable for network in modules[True]]
    assert trainable == [369_356, 2 * lora_of_unet + 11_840, 0, 0]
    assert round(sum(trainable) / 1e6, 3) == 8.493


@pytest.mark.slow
def test_ram_is_counted_and_with_it_the_published_figures_are_reached(
    modules: dict[bool, list[ProfiledModule]], counts: dict[bool, list[OperatorCount]]
) -> None:
    """Counted on the official module: Swin-L 104.080, and tagging head, projections and classifier 58.349."""
    with torch.device("meta"):
        swin, head = (count_operators(network) for network in ram_modules())
    assert [round(count.total / 1e9, 3) for count in (swin, head)] == [104.080, 58.348]
    assert swin.uncounted == head.uncounted == {}
    # The paper's 2265 G: autoencoder, UNet, text encoder and Swin-L, LoRA beside the weights, attention not counted
    # but in the text encoder, which had none that was fused. Its 1775 M with RAM's module, tied layers counted twice.
    beside = counts[False]
    macs = sum(count.without_attention for count in beside) + beside[3].attention + swin.total
    assert round(macs / 1e9, 2) == 2264.68
    assert round(sum(count_parameters(modules[True])) / 1e6 + 484.315761, 2) == 1774.27


def test_a_size_that_the_networks_cannot_take() -> None:
    with pytest.raises(InputError, match=r"an image of 100 pixels a side: the networks take multiples of \d+"):
        osediff_modules(100, DEMO)


def test_the_shipped_backbone_is_counted_as_it_is() -> None:
    with torch.device("meta"):
        networks = osediff_modules(64, DEMO)
    stored = 0
    for name in ("vae/diffusion_pytorch_model", "unet/diffusion_pytorch_model", "text_encoder/model"):
        with safe_open(f"{DEMO}/{name}.safetensors", "pt") as file:
            stored += sum(file.get_tensor(key).numel() for key in file.keys())  # noqa: SIM118
    assert sum(count_parameters(networks)) == stored
