"""Sets of photographs: 8-bit RGB whatever they were, a manifest, and nothing that is not of the set."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from benchmark.data.photographs import prepare, skimage_photo
from benchmark.data.settings import PhotoSet
from osediff.common.artifacts.fetching import Fetching
from osediff.common.errors import InputError
from osediff.common.files import read_json, sha256
from osediff.common.images import read_photo, read_rgb
from osediff.common.settings import parse
from tests.helpers import ROOT

SETS: dict[str, Any] = yaml.safe_load((ROOT / "config" / "photos.yaml").read_text())
SPEC = {"title": "Two", "license": "CC0", "skimage": ["coins.png", "astronaut.png"]}


def prepared(out: Path, spec: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The manifest of a set made into ``out``."""
    prepare(parse(spec, PhotoSet, "spec"), out, Fetching(local=options.get("local"), offline=True), out.parent)
    manifest: dict[str, Any] = read_json(out / "manifest.json")
    return manifest


def test_color_and_gray_photographs_of_the_wheel_become_rgb(tmp_path: Path) -> None:
    manifest = prepared(tmp_path / "set", SPEC)
    assert manifest["title"] == "Two" and list(manifest["photos"]) == ["coins", "astronaut"]
    coins = read_rgb(tmp_path / "set" / "coins.png")
    with Image.open(skimage_photo("coins.png")) as gray:
        assert gray.mode == "L" and all(np.array_equal(coins[..., channel], np.asarray(gray)) for channel in range(3))
    entry = manifest["photos"]["astronaut"]
    assert entry["size"] == [512, 512] and entry["sha256"] == sha256(tmp_path / "set" / "astronaut.png")
    assert entry["source"].endswith("skimage/data/astronaut.png")


def test_what_left_the_set_leaves_the_folder(tmp_path: Path) -> None:
    prepared(tmp_path / "set", SPEC)
    prepared(tmp_path / "set", SPEC | {"skimage": ["coins.png"]})
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["coins.png", "manifest.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"skimage": ["nessie.png"]}, r"nessie\.png: the installed scikit-image has no such picture"),
        ({"skimage": ["horse.png"]}, r"horse\.png: is transparent"),
        ({"skimage": ["coins.png", "coins.png"]}, "two photographs of the set are named coins"),
        ({"manual_source": "it from its authors"}, "no rule makes these photographs; get it from its authors"),
    ],
)
def test_photographs_that_cannot_be_had_are_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        prepared(tmp_path / "set", SPEC | change)
    assert not (tmp_path / "set" / "manifest.json").exists()


def test_a_broken_photograph_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(skimage_photo("coins.png").read_bytes()[:2000])
    with pytest.raises(InputError, match=r"a\.png: cannot be read as an image"):
        read_photo(tmp_path / "a.png")


def test_the_downloaded_set_comes_from_a_local_folder_too(tmp_path: Path) -> None:
    local = Path(os.environ.get("BENCHMARK_TEST_DATA") or "/nonexistent") / "photos_cc0"
    if not local.is_dir():
        pytest.skip("BENCHMARK_TEST_DATA with photos_cc0/ is not set")
    spec = SETS["demo-pretrain"] | {"skimage": ["coins.png"], "download": SETS["demo-pretrain"]["download"][:1]}
    photos = prepared(tmp_path / "set", spec, local=local)["photos"]
    assert len(photos) == 26
    assert all(entry["size"] == [576, 576] for name, entry in photos.items() if name != "coins")
    # What was fetched once is kept, so the same set needs no folder and no network any more.
    (tmp_path / "set" / "manifest.json").unlink()
    assert prepared(tmp_path / "set", spec)["photos"] == photos
    with pytest.raises(InputError, match="the run is offline"):
        prepared(tmp_path / "elsewhere" / "set", spec)


def test_photographs_of_the_repository_keep_their_pixels_and_are_small_in_all(tmp_path: Path) -> None:
    spec = {key: SETS["demo-train"][key] for key in ("title", "license", "repository")}
    photos = prepared(tmp_path / "set", spec)["photos"]
    assert len(photos) == 25
    shipped = sorted((ROOT / spec["repository"]).glob("*.jpg"))
    assert sum(path.stat().st_size for path in shipped) < 6e6
    assert np.array_equal(read_rgb(tmp_path / "set" / "gb82-baby.png"), read_photo(shipped[0]))


def test_nobody_trains_on_held_out_or_test_photographs() -> None:
    trained = {file["sha256"] for source in SETS["demo-pretrain"]["download"] for file in source["files"].values()}
    held_out = SETS["demo-held-out"]["download"][0]["files"]
    assert len(held_out) == 12 and not trained & {file["sha256"] for file in held_out.values()}
    crops = (ROOT / "photographs" / "cid22" / "README.md").read_text(encoding="utf-8")
    sources = re.findall(r"^\| `\w+\.png` \| (\S+) \|", crops, re.MULTILINE)
    assert len(sources) == 11 and set(sources) <= set(held_out)
    test_sets = yaml.safe_load((ROOT / "config" / "testsets.yaml").read_text()).values()
    tested = {crop["photo"] for entry in test_sets if entry["kind"] == "photos" for crop in entry["cut"]["crops"]}
    assert {"chelsea.png", "coffee.png", "rocket.jpg"} <= tested
    assert not tested & {name for entry in SETS.values() for name in entry.get("skimage", [])}


def test_training_photographs_of_the_demo_are_in_the_pinned_wheel() -> None:
    for name in SETS["demo-train"]["skimage"]:
        assert read_photo(skimage_photo(name)).shape[2] == 3, name
