"""LoRA: the merged network computes what network and LoRA compute side by side; other files are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from baselines.shared.lora import check_lora, lora_layout, merge_lora
from osediff.common.errors import InputError

LAYERS: dict[str, Callable[[], nn.Linear | nn.Conv2d]] = {
    "wide": lambda: nn.Conv2d(3, 4, 3, padding=1, stride=2),
    "narrow": lambda: nn.Conv2d(3, 4, 1),
    "flat": lambda: nn.Linear(5, 6),
}


def draw_lora(network: nn.Module, adapter: str) -> dict[str, Tensor]:
    """Draw LoRA weights of rank 2 for every layer."""
    generator = torch.Generator().manual_seed(0)
    layout = lora_layout(network, 2, lambda layer: adapter)
    return {name: torch.randn(like.shape, generator=generator) for name, like in layout.items()}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(("adapter", "alpha", "scale"), [("default", 8, 4), ("", None, 1)])
def test_a_merged_layer_computes_the_sum_of_layer_and_lora(
    name: str, adapter: str, alpha: float | None, scale: float
) -> None:
    torch.manual_seed(0)
    layer = LAYERS[name]()
    network = nn.ModuleDict({name: layer})
    weights = draw_lora(network, adapter)
    end = f".{adapter}.weight" if adapter else ".weight"
    down, up = weights[f"{name}.lora_A{end}"], weights[f"{name}.lora_B{end}"]
    if isinstance(layer, nn.Linear):
        x = torch.randn(2, 5)
        beside = nn.functional.linear(nn.functional.linear(x, down), up)
    else:
        x, padding = torch.randn(2, 3, 6, 6), layer.kernel_size[0] // 2
        beside = nn.functional.conv2d(nn.functional.conv2d(x, down, None, layer.stride, padding), up)
    expected = layer(x) + scale * beside
    merge_lora(network, weights, Path("lora.pkl"), alpha)
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_only_chosen_layers_have_lora() -> None:
    network = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Linear(2, 3), "norm": nn.LayerNorm(3)})
    layout = lora_layout(network, 1, lambda layer: None if layer == "b" else "default")
    assert {name: tuple(value.shape) for name, value in layout.items()} == {
        "a.lora_A.default.weight": (1, 2),
        "a.lora_B.default.weight": (3, 1),
    }


def test_a_file_of_another_network_is_refused() -> None:
    layer = nn.Linear(2, 3)
    network = nn.ModuleDict({"a": layer})
    weights = draw_lora(network, "default")
    before = layer.weight.clone()
    renamed = {name.replace("a.", "b."): value for name, value in weights.items()}
    half = {"a.lora_A.default.weight": weights["a.lora_A.default.weight"]}
    shorter = weights | {"a.lora_A.default.weight": torch.ones(2, 1)}
    endless = weights | {"a.lora_A.default.weight": torch.full((2, 2), torch.inf)}
    for content, problem in (
        ({}, "no LoRA in it"),
        (renamed, "belongs to no layer"),
        (half, "has no lora_B beside it"),
        (shorter, r"has the shape \(2, 1\)"),
        (endless, "holds values that are not finite"),
    ):
        with pytest.raises(InputError, match=rf"lora\.pkl: .*{problem}.*get it anew"):
            merge_lora(network, content, Path("lora.pkl"))
    assert torch.equal(layer.weight, before)


@pytest.mark.parametrize("half", [".lora_A", ".lora_B"])
def test_half_a_lora_is_refused(half: str) -> None:
    network = nn.ModuleDict({name: nn.Linear(2, 3) for name in ("a", "b")})
    weights = {name: value for name, value in draw_lora(network, "default").items() if f"b{half}" not in name}
    with pytest.raises(InputError, match=r"lora\.pkl: b\.lora_[AB]\.default\.weight has no lora_[AB] beside it"):
        merge_lora(network, weights, Path("lora.pkl"))


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["a.lora_A.weight"], "a.lora_B.weight is not in it"),
        (["x.lora_A.weight", "x.lora_B.weight"], "a.lora_A.weight is not in it"),
        (["a.lora_A.weight", "a.lora_B.weight", "x.lora_A.weight"], "x.lora_A.weight belongs to no layer"),
    ],
)
def test_the_names_of_a_lora_are_those_of_the_official_one(names: list[str], line: str) -> None:
    expected = lora_layout(nn.ModuleDict({"a": nn.Linear(3, 3)}), 3, lambda layer: "")
    check_lora({name: torch.ones(3, 3) for name in expected}, expected, Path("lora.pkl"))
    with pytest.raises(InputError, match=rf"^lora\.pkl: {line}; this is a checkpoint of another network, get it anew$"):
        check_lora(dict.fromkeys(names, torch.ones(3, 3)), expected, Path("lora.pkl"))
