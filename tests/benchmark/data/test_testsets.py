"""Test sets: exact crops, and a manifest that exists only when every pair fits."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from benchmark.data import checksums as image_checksums
from benchmark.data.photographs import skimage_photo
from benchmark.data.settings import Cut, TestSetCheck
from benchmark.data.testsets import cut, fetch_missing, manifest, write_as_rgb
from osediff.common.artifacts.fetching import Fetching
from osediff.common.artifacts.model import Artifact, File, Mirror
from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.images import read_photo, read_rgb, write_png
from osediff.common.settings import parse
from tests.helpers import ROOT

SETS: dict[str, Any] = yaml.safe_load((ROOT / "config" / "testsets.yaml").read_text())
DEMO = {name: entry for name, entry in SETS.items() if entry["kind"] == "photos"}


def test_crops_are_the_photograph_and_counted_by_it(tmp_path: Path) -> None:
    crops = [
        {"photo": "coffee.png", "left": 10, "top": 20},
        {"photo": "chelsea.png", "left": 0, "top": 44},
        {"photo": "coffee.png", "left": 344, "top": 144},
    ]
    cut(parse({"size": 256, "crops": crops}, Cut, "cut"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chelsea-0.png", "coffee-0.png", "coffee-1.png"]
    coffee = read_photo(skimage_photo("coffee.png"))
    assert np.array_equal(read_rgb(tmp_path / "coffee-0.png"), coffee[20:276, 10:266])
    assert np.array_equal(read_rgb(tmp_path / "coffee-1.png"), coffee[144:400, 344:600])


def test_a_crop_that_leaves_its_photograph_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"256x256 at 345,0 does not lie within coffee\.png, 600x400"):
        cut(parse({"size": 256, "crops": [{"photo": "coffee.png", "left": 345, "top": 0}]}, Cut, "cut"), tmp_path)


def test_demo_sets_have_crops_of_their_own_with_something_on_them(tmp_path: Path) -> None:
    seen: dict[int, set[str]] = {}  # by scale factor: demo-x2 has the HR images of demo-synthetic
    for name, entry in DEMO.items():
        cut(parse(entry["cut"], Cut, name), tmp_path / name)
        images = sorted((tmp_path / name).iterdir())
        assert len(images) == len(entry["cut"]["crops"]) >= 5
        for path in images:
            assert read_rgb(path).shape == (entry["cut"]["size"], entry["cut"]["size"], 3)
            assert read_rgb(path).std() > 10, path
        digests = {sha256(path) for path in images}
        others = seen.setdefault(entry["scale_factor"], set())
        assert len(digests) == len(images) and not digests & others
        others |= digests
    assert len(DEMO) >= 3 and all(name.startswith("demo-") for name in DEMO)


def described(name: str = "x", **properties: Any) -> TestSetCheck:
    """The settings of a test set of four times the LR size with these properties."""
    return TestSetCheck(name=name, scale_factor=4, **properties)


def test_the_manifest_lists_every_pair(two_pairs: tuple[Path, Path]) -> None:
    lr, hr = two_pairs
    content = manifest(described(images=2, lr_sizes=((8, 6),)), lr, hr)
    assert (content.name, content.scale_factor, content.count, list(content.images)) == ("x", 4, 2, ["a", "b"])
    entry = content.images["b"]
    assert entry.lr == (8, 6) and entry.hr == (32, 24)
    assert entry.lr_sha256 == sha256(lr / "b.png") and entry.hr_sha256 == sha256(hr / "b.png")


def gray(lr: Path, hr: Path) -> None:
    Image.new("L", (8, 6)).save(lr / "b.png")


def missing(lr: Path, hr: Path) -> None:
    (hr / "b.png").unlink()


def extra(lr: Path, hr: Path) -> None:
    write_png(hr / "c.png", np.zeros((24, 32, 3), np.uint8))


def one_pixel_short(lr: Path, hr: Path) -> None:
    write_png(hr / "b.png", np.zeros((24, 31, 3), np.uint8))


def truncated(lr: Path, hr: Path) -> None:
    (hr / "b.png").write_bytes((hr / "b.png").read_bytes()[:200])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (gray, r"LR/b\.png: is gray"),
        (missing, "HR lacks b"),
        (extra, "LR lacks c"),
        (one_pixel_short, r"HR/b\.png: is 31x24, 4 times its LR image is 32x24"),
        (truncated, r"HR/b\.png: cannot be read"),
    ],
)
def test_a_pair_that_does_not_fit_is_named(
    spoil: Callable[[Path, Path], None], message: str, two_pairs: tuple[Path, Path]
) -> None:
    spoil(*two_pairs)
    with pytest.raises(InputError, match=message):
        manifest(described(), *two_pairs)


def test_a_copy_that_is_not_the_published_set_is_refused(two_pairs: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="holds 2 images, x has 93"):
        manifest(described(images=93), *two_pairs)
    with pytest.raises(InputError, match=r"LR/a\.png: is 8x6, x has 128x128"):
        manifest(described(lr_sizes=((128, 128),)), *two_pairs)


def test_a_manifest_says_how_far_the_images_were_verified(two_pairs: tuple[Path, Path], checksums: str) -> None:
    lr, hr = two_pairs
    assert manifest(described("real", checksums=checksums), lr, hr).verified == "every image"
    write_png(hr / "b.png", np.roll(read_rgb(hr / "b.png"), 1, axis=0))
    with pytest.raises(InputError, match=r"HR/b\.png: its pixels are not those of real's HR image b\.png"):
        manifest(described("real", checksums=checksums), lr, hr)
    assert manifest(described("real"), lr, hr).verified == "number and sizes"


def test_missing_images_are_fetched_and_others_left_alone(
    two_pairs: tuple[Path, Path], checksums: str, tmp_path: Path
) -> None:
    listing = tmp_path / "real.csv"
    listing.write_text(image_checksums.checksums_csv(dict(zip(("LR", "HR"), two_pairs, strict=True))))
    mirrors = (Mirror(url="https://x.invalid/{file}"),)
    artifact = Artifact(license="none", mirrors=mirrors, files=str(listing))
    target = tmp_path / "set"
    write_png(target / "HR" / "a.png", np.zeros((24, 32, 3), np.uint8))
    before = (target / "HR" / "a.png").read_bytes()
    with pytest.raises(InputError, match=r"LR/a\.png: is not here and the run is offline; get it from https://x\.inv"):
        fetch_missing(artifact, target, Fetching(offline=True))
    fetch_missing(artifact, target, Fetching(local=two_pairs[0].parent))
    assert (target / "LR/b.png").read_bytes() == (two_pairs[0] / "b.png").read_bytes()
    assert (target / "HR/a.png").read_bytes() == before, "what a user put there is not replaced, but refused"
    with pytest.raises(InputError, match=r"HR/a\.png: its pixels"):
        manifest(described("real", checksums=checksums), target / "LR", target / "HR")


def test_an_archive_gives_its_two_folders(two_pairs: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "set"
    target.mkdir()
    with zipfile.ZipFile(target / "sets.zip", "w") as file:
        for folder, inside in zip(two_pairs, ("all/lq", "all/gt"), strict=True):
            for path in folder.iterdir():
                file.write(path, f"{inside}/{path.name}")
    unpack = {"LR": "all/lq", "HR": "all/gt"}
    artifact = Artifact(license="none", manual_source="its authors", files={"sets.zip": File()}, unpack=unpack)
    fetch_missing(artifact, target, Fetching(offline=True))
    for part, original in zip(unpack, two_pairs, strict=True):
        assert {path.name: path.read_bytes() for path in (target / part).iterdir()} == {
            path.name: path.read_bytes() for path in original.iterdir()
        }
    assert manifest(described("div"), target / "LR", target / "HR").count == 2
    (target / "sets.zip").unlink()
    fetch_missing(artifact, target, Fetching(offline=True))  # the archive is not needed any more
    shutil.rmtree(target)
    with pytest.raises(InputError, match=r"sets\.zip: is not here and the run is offline; get it from its authors"):
        fetch_missing(artifact, target, Fetching(offline=True))


def test_what_is_fetched_without_hr_images_becomes_rgb(tmp_path: Path) -> None:
    """Gray is repeated, transparency left out, and colors stay what they are."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    source, target = tmp_path / "original", tmp_path / "LR"
    source.mkdir()
    Image.fromarray(pixels).save(source / "color.png")
    Image.fromarray(np.dstack([pixels, pixels[..., 0]])).save(source / "transparent.png")
    Image.fromarray(pixels[..., 0]).save(source / "gray.png")
    write_as_rgb(source, target)
    assert np.array_equal(read_rgb(target / "color.png"), pixels)
    assert np.array_equal(read_rgb(target / "transparent.png"), pixels)
    assert np.array_equal(read_rgb(target / "gray.png"), pixels[..., :1].repeat(3, axis=2))


def test_a_set_without_hr_images_has_a_manifest(two_pairs: tuple[Path, Path]) -> None:
    content = manifest(described("set", images=2), two_pairs[0], None)
    assert content.count == 2
    written = content.images["a"].model_dump(exclude_none=True)
    assert written == {"lr": (8, 6), "lr_sha256": sha256(two_pairs[0] / "a.png")}
    with pytest.raises(InputError, match="holds 2 images, set has 3"):
        manifest(described("set", images=3), two_pairs[0], None)
    with pytest.raises(InputError, match=r"a\.png: is 8x6, set has 9x9"):
        manifest(described("set", lr_sizes=((9, 9),)), two_pairs[0], None)


@pytest.mark.parametrize("name", ["realset65", "realset80"])
def test_the_lists_of_the_sets_without_hr_images_are_of_the_public_files(name: str) -> None:
    folder = Path(os.environ.get("BENCHMARK_TEST_DATA", "nowhere")) / name
    if not folder.is_dir():
        pytest.skip(f"no {name} in $BENCHMARK_TEST_DATA")
    listed = Artifact(mirrors=(Mirror(url="https://example.org"),), files=str(ROOT / SETS[name]["download"]["files"]))
    files = {path.name: File(size=path.stat().st_size, sha256=sha256(path)) for path in folder.iterdir()}
    assert listed.contents == files and len(files) == SETS[name]["images"]
