"""Test sets: exact crops, and a manifest that exists only when every pair fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from benchmark.photos import as_rgb, skimage_photo
from benchmark.testsets import cut, manifest
from contracts.errors import InputError
from contracts.files import sha256
from contracts.images import read_rgb, write_png

ROOT = Path(__file__).parents[2]
SETS: dict[str, Any] = yaml.safe_load((ROOT / "config" / "testsets.yaml").read_text())
DEMO = {name: entry for name, entry in SETS.items() if entry["kind"] == "photos"}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """LR/ and HR/ with the pairs a and b, 8x6 and 32x24 pixels."""
    rng = np.random.default_rng(0)
    for stem in "ab":
        write_png(tmp_path / "LR" / f"{stem}.png", rng.integers(0, 256, (6, 8, 3), np.uint8))
        write_png(tmp_path / "HR" / f"{stem}.png", rng.integers(0, 256, (24, 32, 3), np.uint8))
    return tmp_path / "LR", tmp_path / "HR"


def test_crops_are_the_photograph_and_counted_by_it(tmp_path: Path) -> None:
    crops = [
        {"photo": "coffee.png", "left": 10, "top": 20},
        {"photo": "chelsea.png", "left": 0, "top": 44},
        {"photo": "coffee.png", "left": 344, "top": 144},
    ]
    cut({"size": 256, "crops": crops}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chelsea-0.png", "coffee-0.png", "coffee-1.png"]
    coffee = as_rgb(skimage_photo("coffee.png"))
    assert np.array_equal(read_rgb(tmp_path / "coffee-0.png"), coffee[20:276, 10:266])
    assert np.array_equal(read_rgb(tmp_path / "coffee-1.png"), coffee[144:400, 344:600])


def test_a_crop_that_leaves_its_photograph_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"256x256 at 345,0 does not lie within coffee\.png, 600x400"):
        cut({"size": 256, "crops": [{"photo": "coffee.png", "left": 345, "top": 0}]}, tmp_path)


def test_demo_sets_have_crops_of_their_own_with_something_on_them(tmp_path: Path) -> None:
    seen: set[str] = set()
    for name, entry in DEMO.items():
        cut(entry["cut"], tmp_path / name)
        images = sorted((tmp_path / name).iterdir())
        assert len(images) == len(entry["cut"]["crops"]) >= 5
        for path in images:
            assert read_rgb(path).shape == (256, 256, 3)
            assert read_rgb(path).std() > 10, path
        digests = {sha256(path) for path in images}
        assert len(digests) == len(images) and not digests & seen
        seen |= digests
    assert len(DEMO) == 3 and all(name.startswith("demo-") for name in DEMO)


def test_the_manifest_lists_every_pair(folders: tuple[Path, Path]) -> None:
    lr, hr = folders
    made = manifest("x", lr, hr, 4, images=2, lr_sizes=[(8, 6)])
    assert (made["name"], made["scale"], made["count"], list(made["images"])) == ("x", 4, 2, ["a", "b"])
    entry = made["images"]["b"]
    assert tuple(entry["lr"]) == (8, 6) and tuple(entry["hr"]) == (32, 24)
    assert entry["lr_sha256"] == sha256(lr / "b.png") and entry["hr_sha256"] == sha256(hr / "b.png")


def grey(lr: Path, hr: Path) -> None:
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
    ("spoil", "said"),
    [
        (grey, r"LR/b\.png: is grey"),
        (missing, "HR lacks b"),
        (extra, "LR lacks c"),
        (one_pixel_short, r"HR/b\.png: is 31x24, 4 times its LR image is 32x24"),
        (truncated, r"HR/b\.png: cannot be read"),
    ],
)
def test_a_pair_that_does_not_fit_is_named(
    spoil: Callable[[Path, Path], None], said: str, folders: tuple[Path, Path]
) -> None:
    spoil(*folders)
    with pytest.raises(InputError, match=said):
        manifest("x", *folders, 4)


def test_a_copy_that_is_not_the_published_set_is_refused(folders: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="holds 2 images, x has 93"):
        manifest("x", *folders, 4, images=93)
    with pytest.raises(InputError, match=r"LR/a\.png: is 8x6, x has 128x128"):
        manifest("x", *folders, 4, lr_sizes=[(128, 128)])
