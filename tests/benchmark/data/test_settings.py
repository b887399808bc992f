"""Settings of test sets and photographs: mistakes are one line that names the key."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.data.settings import Cut, PhotoSet, TestSetCheck
from osediff.common.errors import InputError
from osediff.common.settings import parse

CROP = {"photo": "photographs/mine/a.png", "left": 0, "top": 8}
CUT: dict[str, Any] = {"size": 64, "crops": [CROP]}


def test_a_cut_names_photographs_of_the_repository_or_of_the_wheel() -> None:
    cut = parse(CUT | {"crops": [CROP, {"photo": "coffee.png", "left": 3, "top": 0}]}, Cut, "cut")
    assert [crop.photo for crop in cut.crops] == ["photographs/mine/a.png", "coffee.png"]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"size": 15}, "size"),
        ({"crops": []}, "crops"),
        ({"crops": [CROP | {"left": -1}]}, "crops.0.left"),
        ({"crops": [CROP | {"photo": "../secret.png"}]}, "crops.0.photo"),
        ({"crops": [CROP | {"photo": "elsewhere/a.png"}]}, "crops.0.photo"),
        ({"crops": [CROP | {"photo": "a.tiff"}]}, "crops.0.photo"),
    ],
)
def test_a_mistake_in_a_cut_is_one_line(change: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError, match=rf"^testsets\.yaml: at {key}") as error:
        parse(CUT | change, Cut, "testsets.yaml")
    assert "\n" not in str(error.value)


def test_photographs_need_a_source() -> None:
    entry = {"title": "Mine", "license": "CC0"}
    with pytest.raises(InputError, match="needs skimage, repository, download or manual_source"):
        parse(entry, PhotoSet, "photos.yaml")
    assert parse(entry | {"repository": "photographs/mine"}, PhotoSet, "photos.yaml").skimage == ()


def test_a_check_without_numbers_takes_any_images() -> None:
    check = parse({"name": "mine", "scale_factor": 4}, TestSetCheck, "spec.yaml")
    assert (check.images, check.lr_sizes, check.checksums, check.download) == (None, None, None, None)
