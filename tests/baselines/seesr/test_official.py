"""The official tagger is imported without the tokenizer that it would fetch."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from baselines.seesr import official
from baselines.seesr.adapter import load_tagger
from osediff.common.errors import InputError


def fetch() -> None:
    raise OSError("no network here")


def test_the_tagger_gets_a_tokenizer_with_the_right_number_of_words_and_fetches_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    module = SimpleNamespace(init_tokenizer=fetch)
    monkeypatch.setitem(sys.modules, "ram.models.ram_lora", module)
    tokenizer = official.import_tagger(tmp_path).init_tokenizer()
    assert len(tokenizer) == 30_522 + 2  # the vocabulary of bert-base-uncased, and [DEC] and [ENC]
    assert tokenizer("a cat").input_ids == []
    assert sys.path[0] == str(tmp_path)


def test_without_the_checkout_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkout; ") as caught:
        official.import_classes(tmp_path / "SeeSR")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [["lora_A"], {"model": ["visual_encoder.patch_embed.proj.weight"]}, {"others": 1}])
def test_a_checkpoint_of_another_kind_is_one_line(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / official.RAM)
    with pytest.raises(InputError, match="this is a checkpoint of another network"):
        load_tagger(tmp_path / "SeeSR", tmp_path, "cpu")
