"""LLaVA-v1.5's caption of an image (Table 4), through transformers.

The paper makes captions as SUPIR does: of the image after a network has removed its degradation. This suite does not
have that network, so the caption is of the upsampled LQ image. The question is SUPIR's. SUPIR samples up to 512 tokens
at temperature 0.2, with a system message before the question. Here decoding is greedy, without that message, and ends
after ``TOKENS``, of which CLIP's text encoder reads 77. The measured time of an extraction is that of this shorter
answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from torchvision.transforms.functional import to_pil_image
from transformers import AutoProcessor, LlavaForConditionalGeneration

from osediff.common.errors import InputError

QUESTION = "Describe this image and its style in a very detailed manner."
TOKENS = 128  # of an answer; more than the text encoder keeps


class Captioner:
    """Returns the caption of an image: ``Captioner(folder, device, dtype)(image)``, by greedy decoding."""

    def __init__(self, folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        """``folder``: the model in transformers' layout. InputError if it cannot be loaded whole."""
        try:
            self.processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
            model, report = LlavaForConditionalGeneration.from_pretrained(
                folder, dtype=dtype, local_files_only=True, output_loading_info=True
            )
        except (OSError, ValueError, SafetensorError) as error:
            raise InputError(
                f"{folder}: no LLaVA model in transformers' layout ({str(error).splitlines()[0]})"
            ) from error
        missing = sorted(report["missing_keys"])
        if missing:  # transformers has filled them with random numbers
            raise InputError(f"{folder}: its files lack {missing[0]} ({len(missing)} tensors); fetch them again")
        self.model: Any = model.to(device).eval()

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> str:
        """Return the caption of ``image`` (3, H, W) in [0, 1], on one line."""
        picture = to_pil_image((image * 255).round().byte())  # of floats, it would cut the decimals off
        text = f"USER: <image>\n{QUESTION} ASSISTANT:"
        inputs = self.processor(images=picture, text=text, return_tensors="pt").to(self.model.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self.model.dtype)
        answer = self.model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
        texts = self.processor.batch_decode(answer[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return " ".join(texts[0].split())
