"""Settings of backbones: what goes together, and stages that are of one kind."""

from __future__ import annotations

from typing import Any

import pytest

from osediff.common.errors import InputError
from osediff.common.settings import parse
from osediff.models.settings import Backbone
from tests.osediff.tiny import TINY

ENTRY: dict[str, Any] = {"title": "T", "folder": "backbones/t", "license": "MIT"}


def test_a_backbone_is_fetched_or_random() -> None:
    random = {"seed": 1, "words": "blurring", "sizes": TINY}
    backbone = parse(ENTRY | {"random": random}, Backbone, "backbones.yaml: t")
    assert backbone.random is not None and backbone.download is None
    assert backbone.random.sizes.unet["cross_attention_dim"] == TINY["unet"]["cross_attention_dim"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"photos": "demo"}, "needs both recipe and photos, or neither"),
        ({"random": {"seed": -1, "words": "x", "sizes": TINY}}, "seed"),
        (
            {"random": {"seed": 1, "words": "x", "sizes": {**TINY, "unett": {}}}},
            "unknown key 'unett', did you mean unet",
        ),
    ],
)
def test_a_mistake_is_one_line(change: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as error:
        parse(ENTRY | change, Backbone, "backbones.yaml: t")
    assert line in str(error.value) and "\n" not in str(error.value)
