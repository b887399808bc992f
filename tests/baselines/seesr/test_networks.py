"""SeeSR's files that no checkpoint brings: CLIP's tokenizer comes from PASD's checkout, with another padding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baselines.pasd.adapter import CONFIGS
from baselines.seesr.networks import read_tokenizer
from osediff.common.errors import InputError


def test_the_tokenizer_pads_as_stable_diffusion_2_does(tmp_path: Path) -> None:
    folder = tmp_path / "PASD" / CONFIGS / "tokenizer"
    with pytest.raises(InputError, match="CLIP's vocabulary is taken from there for a trial; get PASD's checkout too"):
        read_tokenizer(tmp_path)
    folder.mkdir(parents=True)
    vocabulary = {"vocab.json": '{"!": 0, "cat</w>": 1}', "merges.txt": "#version: 0.2\nc a\n"}
    settings: dict[str, dict[str, object]] = {
        "tokenizer_config.json": {"model_max_length": 77, "pad_token": "<|endoftext|>"},
        "special_tokens_map.json": {"unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"},
    }
    for name, text in vocabulary.items():
        (folder / name).write_text(text)
    for name, content in settings.items():
        (folder / name).write_text(json.dumps(content))
    files = read_tokenizer(tmp_path)
    assert {name: files[name] for name in vocabulary} == vocabulary
    assert {name: json.loads(files[name]) for name in settings} == {
        name: content | {"pad_token": "!"} for name, content in settings.items()
    }
