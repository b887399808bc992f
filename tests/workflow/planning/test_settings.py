"""The main configuration's own rules, which no type can say."""

from __future__ import annotations

from typing import Any

import pytest

from osediff.common.errors import InputError
from osediff.common.settings import parse
from tests.workflow.planning.configurations import MAIN, PAPER
from workflow.planning.settings import MainConfig, Restoration

RESTORATION: dict[str, Any] = MAIN["restoration"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tile_latent": 4}, "tile_latent: 4 is too small for the UNet; take 8 or more, or 0"),
        ({"tile_latent": 16, "tile_overlap": 16}, "tile_overlap: 16 must be smaller than tile_latent, 16"),
        ({"batch": 0}, "at batch"),
    ],
)
def test_tiles_that_cannot_be_are_one_line(change: dict[str, int], message: str) -> None:
    assert parse(RESTORATION | {"tile_latent": 0, "tile_overlap": 32}, Restoration, "main").tile_latent == 0
    with pytest.raises(InputError) as error:
        parse(RESTORATION | change, Restoration, "main")
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["test_sets", "methods", "metrics", "tables", "pictures"])
def test_a_name_that_stands_twice_in_a_list(key: str) -> None:
    twice = [MAIN[key][0]] * 2
    with pytest.raises(InputError, match=f"{key}: {twice[0]} stands twice"):
        parse(MAIN | {key: twice}, MainConfig, "main")


def test_features_of_hr_images_fill_no_laptops_disk() -> None:
    assert (MAIN["device"], MAIN["hr_features"]) == ("cpu", 0), "131 MB for an image"
    assert PAPER["device"] == "cuda" and PAPER["hr_features"] > 0, "only Inception features, 8 KB for an image"
