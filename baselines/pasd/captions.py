"""Captions of LR images by BLIP (base, captioning), decoded as LAVIS does.

LAVIS pins old libraries. Transformers has the same network, with the official weights.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

PROMPT = "a picture of "
DECODING: dict[str, Any] = {"num_beams": 3, "max_length": 30, "min_length": 10, "do_sample": False}  # LAVIS's defaults


def replace_degradation(caption: str) -> str:
    """Return ``caption`` as the official script changes it: words for a degradation become their opposite."""
    return caption.replace("blurry", "clear").replace("noisy", "clean")


def load_captioner(folder: Path, device: str) -> Callable[[Image.Image], str]:
    """Load the BLIP in ``folder`` (transformers' layout) and return the function that describes an image."""
    from transformers import BertTokenizerFast, BlipForConditionalGeneration, BlipImageProcessor

    tokenizer = BertTokenizerFast.from_pretrained(folder, local_files_only=True)
    processor = BlipImageProcessor.from_pretrained(folder, local_files_only=True)
    network = BlipForConditionalGeneration.from_pretrained(folder, local_files_only=True).eval().to(device)

    @torch.no_grad()
    def caption(image: Image.Image) -> str:
        pixels = processor(image, return_tensors="pt")["pixel_values"].to(device)
        prompt = tokenizer(PROMPT.strip(), return_tensors="pt")["input_ids"].to(device)
        tokens = network.generate(pixel_values=pixels, input_ids=prompt, **DECODING)
        text: str = tokenizer.decode(tokens[0], skip_special_tokens=True)
        return text.removeprefix(PROMPT.strip()).strip()

    return caption
