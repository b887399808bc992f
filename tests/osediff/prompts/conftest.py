"""A tiny LLaVA, a tiny RAM, and prompts of a training stream."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from osediff.prompts import ram
from osediff.prompts.prompt_file import (
    StreamImages,
)
from osediff.recipe import StreamRecipe
from tests.osediff.prompts.extraction import BRIEF, run_extraction
from tests.osediff.prompts.tiny_ram import SIZES, official


@pytest.fixture
def llava(tmp_path: Path) -> Path:
    """A LLaVA of a few thousand random weights, saved as transformers does."""
    words = ["<pad>", "<s>", "</s>", "<image>", "<unk>", "USER:", "ASSISTANT:", "a", "cat", "on", "grass"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=["<image>"],
    )  # fmt: skip
    images = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    tokens = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    processor = LlavaProcessor(images, fast, **tokens)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=CLIPVisionConfig(**shape, image_size=28, patch_size=14, projection_dim=16),
            text_config=LlamaConfig(
                **shape, vocab_size=len(words), num_key_value_heads=2, eos_token_id=2, bos_token_id=1
            ),
            image_token_index=3,
        )
    )
    model.save_pretrained(tmp_path / "llava")
    processor.save_pretrained(tmp_path / "llava")
    return tmp_path / "llava"


@pytest.fixture
def of_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photos: Path) -> Path:
    """Prompts of the HQ crops of the stream of BRIEF with seed 3."""
    recipe = StreamRecipe.model_validate({name: getattr(BRIEF, name) for name in StreamRecipe.model_fields})
    images = StreamImages(kind="stream", recipe=recipe, seed=3, image="hq")
    return run_extraction(monkeypatch, tmp_path, images, "--photos", photos)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[ram.RAM, Path]:
    """A tiny RAM, and its checkpoint in the official form."""
    torch.manual_seed(0)
    model = ram.build(SIZES)
    torch.save({"model": official(model)}, tmp_path / "ram.pth")
    return model, tmp_path / "ram.pth"
