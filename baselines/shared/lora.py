"""LoRA weights as peft writes them: names and shapes for a network, and adding them to its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.runner.profiling import meta
from baselines.shared.upstream_code import check_weights
from osediff.common.errors import InputError

DOWN, UP = ".lora_A", ".lora_B"


def lora_layout(network: nn.Module, rank: int, choose: Callable[[str], str | None]) -> dict[str, Tensor]:
    """Return names and shapes of the LoRA of ``network``, on the meta device.

    Args:
        network: its linear layers and convolutions get LoRA.
        rank: of every layer.
        choose: gives the name of the adapter for the name of a layer, or None where the layer has no LoRA.
    """
    weights: dict[str, Tensor] = {}
    for name, layer in network.named_modules():
        adapter = choose(name) if isinstance(layer, nn.Linear | nn.Conv2d) else None
        if adapter is not None:
            outputs, inputs, *kernel = layer.weight.shape
            end = f".{adapter}.weight" if adapter else ".weight"
            weights[f"{name}{DOWN}{end}"] = meta(rank, inputs, *kernel)
            weights[f"{name}{UP}{end}"] = meta(outputs, rank, *(1 for _ in kernel))
    return weights


def check_lora(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Compare the LoRA weights of a checkpoint with names and shapes of the official one.

    Raises:
        InputError: a weight is missing, has another shape, is not finite, or belongs to no layer.
    """
    check_weights(weights, expected, path)
    for name in weights:
        if name not in expected:
            raise InputError(
                f"{path}: {name} belongs to no layer; this is a checkpoint of another network, get it anew"
            )


@torch.no_grad()
def merge_lora(network: nn.Module, weights: Mapping[str, Tensor], path: Path, alpha: float | None = None) -> None:
    """Add LoRA weights to the layers of ``network``, which has float32 weights.

    Args:
        network: has the layers that the names in ``weights`` begin with.
        weights: content of a checkpoint.
        path: the file of ``weights``, for messages.
        alpha: the product is multiplied by alpha / rank, as peft does; None: by 1.

    Raises:
        InputError: there is no LoRA in the file, or it is of another network.
    """
    layers = dict(network.named_modules())
    pairs = [name for name in weights if DOWN in name]
    if not pairs:
        raise InputError(f"{path}: no LoRA in it; this is another checkpoint, get it anew")
    for name in weights:
        if UP in name and name.replace(UP, DOWN) not in weights:
            other = DOWN.removeprefix(".")
            raise InputError(f"{path}: {name} has no {other} beside it; the file is incomplete, get it anew")
    for name in pairs:
        layer, down, up = (
            layers.get(name.partition(DOWN)[0]),
            weights[name].float(),
            weights.get(name.replace(DOWN, UP)),
        )
        if not isinstance(layer, nn.Linear | nn.Conv2d) or up is None:
            problem = "belongs to no layer" if up is not None else f"has no {UP.removeprefix('.')} beside it"
            raise InputError(f"{path}: {name} {problem}; this is a checkpoint of another network, get it anew")
        fits = up.shape[:2] == (len(layer.weight), len(down)) and down.shape[1:] == layer.weight.shape[1:]
        if not fits or not (down.isfinite().all() and up.isfinite().all()):
            problem = "holds values that are not finite" if fits else f"has the shape {tuple(down.shape)}"
            raise InputError(f"{path}: {name} {problem}; this is a checkpoint of another network, get it anew")
        if down[0, 0].numel() == 1:
            change = (up.float().flatten(1) @ down.flatten(1)).reshape(layer.weight.shape)
        else:  # as peft multiplies, which rounds in another way
            change = functional.conv2d(down.transpose(0, 1), up.float()).transpose(0, 1)
        layer.weight += change * (1 if alpha is None else alpha / len(down))
