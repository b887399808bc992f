"""A stand-in for HYPIR's enhancer, and random LoRA weights of rank 2 for a tiny Stable Diffusion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from baselines.hypir import adapter
from baselines.runner.adapters import Layout
from baselines.runner.descriptor import read_descriptor


class Enhancer:
    """Reads its weights as the official class does, and repeats pixels; it notes how it is called."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments, self.weight_dtype = arguments, torch.bfloat16
        self.lora: dict[str, Tensor] = {}
        self.calls: list[dict[str, Any]] = []

    def init_models(self) -> None:
        # As unsafe as the official call: the adapter must hand over what it has read and checked in its place.
        self.lora = torch.load(self.arguments["weight_path"], map_location="cpu", weights_only=False)

    def enhance(self, lq: Tensor, prompt: str, **options: Any) -> list[Image.Image]:
        self.calls.append({"prompt": prompt, **options})
        pixels = (lq[0] * 255).round().byte().permute(1, 2, 0).numpy()
        return [Image.fromarray(pixels.repeat(options["upscale"], axis=0).repeat(options["upscale"], axis=1))]


@pytest.fixture
def options() -> adapter.Options:
    """The settings of the descriptor, with LoRA of rank 2."""
    return adapter.Options(**{**read_descriptor("hypir").values, "lora_rank": 2})  # type: ignore[arg-type]


@pytest.fixture
def enhancers(stand_in: Callable[..., None]) -> list[Enhancer]:
    """The enhancers that the adapter makes."""
    made: list[Enhancer] = []

    def make(**arguments: Any) -> Enhancer:
        made.append(Enhancer(**arguments))
        return made[-1]

    stand_in("HYPIR.enhancer.sd2", SD2Enhancer=make)
    return made


@pytest.fixture
def sources(
    tmp_path: Path,
    options: adapter.Options,
    write_weights: Callable[[Layout], Path],
    tiny_stable_diffusion_2: None,
) -> Path:
    """A folder with an empty checkout, the configuration of the UNet, and a checkpoint."""
    (tmp_path / "HYPIR").mkdir()
    files = adapter.layout(tmp_path, options)
    return write_weights({path: files[path] for path in (options.checkpoint, f"{adapter.BASE}/unet/config.json")})
