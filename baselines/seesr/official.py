"""The code that is imported from SeeSR's checkout, and the names of its checkpoints. It runs with diffusers 0.21."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from baselines.shared.stable_diffusion import Classes
from baselines.shared.upstream_code import make_importable

MODEL, BASE = "seesr", "stable-diffusion-2-base"
RAM, DAPE = "ram_swin_large_14m.pth", "DAPE.pth"


class WordCounter:
    """Replaces the BERT tokenizer that the tagger would fetch: the tagger only asks how many words there are."""

    def __call__(self, text: str) -> WordCounter:
        """Take a text and give no tokens."""
        self.input_ids: list[int] = []
        return self

    def __len__(self) -> int:
        return 30524  # bert-base-uncased and the tagger's two tokens


def import_tagger(checkout: Path) -> Any:
    """Import the module of the official tagger."""
    make_importable(checkout)
    module = importlib.import_module("ram.models.ram_lora")
    module.init_tokenizer = WordCounter  # type: ignore[attr-defined]
    return module


def import_classes(checkout: Path) -> Classes:
    """Import the official classes."""
    make_importable(checkout)
    return Classes(
        unet=importlib.import_module("models.unet_2d_condition").UNet2DConditionModel,
        controlnet=importlib.import_module("models.controlnet").ControlNetModel,
        pipeline=importlib.import_module("pipelines.pipeline_seesr").StableDiffusionControlNetPipeline,
    )
