"""LLaVA's folder as people have it: the hub's names, damaged files; and what the network is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from osediff.common.errors import InputError
from osediff.data.tensors import as_tensor
from osediff.prompts import llava as captions
from osediff.prompts.llava import Captioner

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)


def rewritten(folder: Path, tensors: dict[str, Tensor]) -> None:
    """Puts ``tensors`` into the place of the weights in ``folder``."""
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def test_weights_under_the_names_of_the_hub_are_read(llava: Path) -> None:
    image = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    before = Captioner(llava)
    wanted = before(image)
    hub = {}
    for name, tensor in load_file(llava / "model.safetensors").items():
        inner = name.removeprefix("vision_tower.").removeprefix("vision_model.")
        hub[f"vision_tower.vision_model.{inner}" if name.startswith("vision_tower.") else name] = tensor
    assert "language_model.model.norm.weight" in hub
    assert "vision_tower.vision_model.embeddings.class_embedding" in hub
    rewritten(llava, hub)
    after = Captioner(llava)
    assert after(image) == wanted
    pairs = zip(before.model.parameters(), after.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_folder_that_lacks_a_tensor_is_refused_by_name(llava: Path) -> None:
    tensors = load_file(llava / "model.safetensors")
    del tensors["multi_modal_projector.linear_1.bias"]
    rewritten(llava, tensors)
    with pytest.raises(InputError, match=r"lack \S*multi_modal_projector\.linear_1\.bias \(1 tensors\)"):
        Captioner(llava)


def test_a_damaged_file_is_one_line(llava: Path) -> None:
    (llava / "model.safetensors").write_bytes(b"half a download")
    with pytest.raises(InputError, match="no LLaVA model in transformers' layout"):
        Captioner(llava)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_shown_the_pixels_of_the_image(llava: Path, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    """Of a test image and of a training crop, whose values went to [-1, 1] and back."""
    captioner = Captioner(llava, dtype=dtype)
    shown: list[Tensor] = []
    generate = captioner.model.generate

    def seen(**inputs: Any) -> Tensor:
        shown.append(inputs["pixel_values"])
        answer: Tensor = generate(**inputs)
        assert answer.shape[1] <= inputs["input_ids"].shape[1] + captions.TOKENS
        return answer

    monkeypatch.setattr(captioner.model, "generate", seen)
    for image in (torch.tensor(LEVELS).permute(2, 0, 1).float() / 255, as_tensor(LEVELS) / 2 + 0.5):
        assert captioner(image)
    of_picture = captioner.processor.image_processor(images=Image.fromarray(LEVELS), return_tensors="pt")
    assert all(torch.equal(pixels, of_picture["pixel_values"].to(dtype)) for pixels in shown)


def test_llava_describes_an_image_the_same_way_twice(llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    captioner = Captioner(llava)
    image = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    assert captioner(image) == captioner(image) != ""
    asked: dict[str, Any] = {}

    def answer(**inputs: Any) -> Tensor:
        asked.update(inputs)
        return torch.cat([inputs["input_ids"], torch.tensor([[8, 9, 10, 2]])], dim=1)

    monkeypatch.setattr(captioner.model, "generate", answer)
    assert captioner(image) == "cat on grass"  # without the question
    assert int((asked["input_ids"] == 3).sum()) == 4 and asked["pixel_values"].shape == (1, 3, 28, 28)
    with pytest.raises(InputError, match="no LLaVA model"):
        Captioner(llava / "nothing")
