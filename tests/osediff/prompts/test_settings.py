"""Settings of prompts: an extractor for training and one for restoration, or none."""

from __future__ import annotations

import pytest

from osediff.common.errors import InputError
from osediff.common.settings import parse
from osediff.prompts.settings import PromptConfig


def test_prompts_are_of_training_and_restoration_or_of_neither() -> None:
    assert parse({"title": "none"}, PromptConfig, "prompts.yaml: null").training is None
    whole = {"title": "DAPE", "training": {"extractor": "dape", "image": "lq"}, "restoration": "dape"}
    assert parse(whole, PromptConfig, "prompts.yaml: dape").restoration == "dape"
    for key in ("training", "restoration"):
        half = {name: value for name, value in whole.items() if name != key}
        with pytest.raises(InputError, match="needs both training and restoration, or neither"):
            parse(half, PromptConfig, "prompts.yaml: dape")
