"""Lists of images: written and read again, checked by content, and the committed ones of the paper's test sets."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from benchmark.data import checksums
from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.images import read_rgb, write_png
from tests.helpers import ROOT

SETS = yaml.safe_load((ROOT / "config" / "testsets.yaml").read_text())


def test_a_digest_is_of_size_and_pixels_in_their_order() -> None:
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    assert checksums.pixel_digest(pixels) == hashlib.sha256(b"3x2 " + bytes(range(18))).hexdigest()
    assert checksums.pixel_digest(pixels[:, ::-1]) != checksums.pixel_digest(pixels)
    assert checksums.pixel_digest(np.asfortranarray(pixels)) == checksums.pixel_digest(pixels)
    assert checksums.pixel_digest(pixels.reshape(3, 2, 3)) != checksums.pixel_digest(pixels)


def test_what_is_listed_is_read_again(one_pair: dict[str, Path], listed: checksums.Checksums) -> None:
    for part, folder in one_pair.items():
        path = folder / "a.png"
        digest = checksums.pixel_digest(read_rgb(path))
        assert listed[part] == {"a": checksums.ImageChecksums("a.png", path.stat().st_size, sha256(path), digest)}


@pytest.mark.parametrize("rows", ["part,name\nLR,a.png\n", "part,name,bytes,sha256,pixels_sha256\nXX,a.png,1,0,0\n"])
def test_a_file_that_is_no_list_is_one_line(rows: str, tmp_path: Path) -> None:
    (tmp_path / "known.csv").write_text(rows)
    with pytest.raises(InputError, match=r"known\.csv: no list of images") as error:
        checksums.read(tmp_path / "known.csv")
    assert "\n" not in str(error.value)


def test_another_file_of_the_same_pixels_passes_and_other_pixels_do_not(
    one_pair: dict[str, Path], listed: checksums.Checksums
) -> None:
    path = one_pair["HR"] / "a.png"
    pixels = read_rgb(path)
    Image.fromarray(pixels).save(path, compress_level=0)
    assert sha256(path) != listed["HR"]["a"].sha256
    checksums.check("real", listed, "HR", path, pixels)
    moved = np.roll(pixels, 1, axis=0)
    write_png(path, moved)
    with pytest.raises(InputError, match=r"HR/a\.png: its pixels are not those of real's HR image a\.png"):
        checksums.check("real", listed, "HR", path, moved)


def test_an_image_that_is_not_listed_is_named(one_pair: dict[str, Path], listed: checksums.Checksums) -> None:
    path = one_pair["LR"] / "a.png"
    other = path.rename(path.with_name("c.png"))
    with pytest.raises(InputError, match=r"LR/c\.png: real has no LR image of this name"):
        checksums.check("real", listed, "LR", other, read_rgb(other))


@pytest.mark.parametrize("name", ["drealsr", "realsr"])
def test_the_papers_crops_are_known(name: str) -> None:
    images = checksums.read(ROOT / SETS[name]["checksums"])
    assert [len(images[part]) for part in ("LR", "HR")] == [SETS[name]["images"]] * 2
    assert images["LR"].keys() == images["HR"].keys()


def test_the_papers_crops_are_those_of_the_test_data(drealsr: Path) -> None:
    listed = checksums.checksums_csv({part: drealsr / part for part in ("LR", "HR")})
    assert listed == (ROOT / SETS["drealsr"]["checksums"]).read_text()
