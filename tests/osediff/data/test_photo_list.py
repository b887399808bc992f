"""The list of training photographs: nested folders, every format, and what is wrong before a training starts."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osediff.common.errors import InputError
from osediff.common.files import sha256, write_json
from osediff.common.images import write_png
from osediff.data.photo_list import COLUMNS, main, open_photos, read_list, scan

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)


def save(path: Path, pixels: np.ndarray = PIXELS) -> None:
    """Write an image in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    """Run the command."""
    monkeypatch.setattr(sys, "argv", ["photo_list", *map(str, arguments)])
    main()


def test_photographs_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, linked, out = tmp_path / "photos", tmp_path / "elsewhere", tmp_path / "photos.csv"
    save(folder / "LSDIR" / "0001000" / "0000001.png")
    save(folder / "LSDIR" / "0002000" / "0000001.png")
    save(folder / "b.JPG")
    save(folder / "gray.jpeg", PIXELS[..., 0])
    save(linked / "00000" / "00000.png")
    save(folder / ".cache" / "hidden.png")
    (folder / "readme.txt").write_text("no photograph")
    (folder / "FFHQ").symlink_to(linked)
    call(monkeypatch, "--photos", folder, "--out", out)
    photos = read_list(out, folder)
    names = ["FFHQ/00000/00000.png", "LSDIR/0001000/0000001.png", "LSDIR/0002000/0000001.png", "b.JPG", "gray.jpeg"]
    assert [photo.name for photo in photos.photos] == names
    content = (folder / "b.JPG").read_bytes()
    first = photos.photos[3]
    assert (first.width, first.height, first.bytes) == (20, 12, len(content))
    assert first.sha256 == hashlib.sha256(content).hexdigest() and first.stem == "b"
    assert (
        photos == scan(folder) == open_photos(folder, None) and open_photos(folder, out).digest == scan(folder).digest
    )


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", PIXELS)
    first = scan(tmp_path).digest
    (tmp_path / "note.txt").write_text("no photograph")
    assert scan(tmp_path).digest == first
    write_png(tmp_path / "a.png", 255 - PIXELS)
    second = scan(tmp_path).digest
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    assert len({first, second, scan(tmp_path).digest}) == 3


def test_photographs_are_those_of_their_manifest_where_there_is_one(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    scan(tmp_path)
    write_json(tmp_path / "manifest.json", {"photos": {"a": {"sha256": sha256(tmp_path / "a.png")}}})
    scan(tmp_path)
    save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"b is not as manifest\.json there lists it"):
        scan(tmp_path)
    (tmp_path / "b.png").unlink()
    save(tmp_path / "a.png", 255 - PIXELS)
    with pytest.raises(InputError, match=r"a is not as manifest\.json there lists it"):
        scan(tmp_path)
    write_json(tmp_path / "manifest.json", [])
    with pytest.raises(InputError, match="must hold keys and values"):
        scan(tmp_path)


def test_all_photographs_that_cannot_be_used_are_in_one_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out, unusable = tmp_path / "photos", tmp_path / "list.csv", tmp_path / "list.unusable.txt"
    save(folder / "good.png")
    save(folder / "shard" / "transparent.png", np.dstack([PIXELS, PIXELS[..., :1]]))
    save(folder / "shard" / "cut.jpg")
    content = (folder / "shard" / "cut.jpg").read_bytes()
    (folder / "shard" / "cut.jpg").write_bytes(content[: len(content) // 2])
    (folder / "text.png").write_text("no image")
    with pytest.raises(
        InputError, match=r"3 of 4 photographs cannot be used; .*list\.unusable\.txt names them: correct"
    ):
        call(monkeypatch, "--photos", folder, "--out", out)
    lines = unusable.read_text().splitlines()
    assert not out.exists() and len(lines) == 3
    assert "shard/cut.jpg: cannot be read" in lines[0] and "transparent, needed is 8-bit RGB or gray" in lines[1]
    assert "text.png: cannot be read" in lines[2]
    with pytest.raises(InputError, match=r"3 of 4 photographs cannot be used: .*cut\.jpg"):
        scan(folder)
    for name in ("shard/transparent.png", "shard/cut.jpg", "text.png"):
        (folder / name).unlink()
    call(monkeypatch, "--photos", folder, "--out", out)
    assert out.is_file() and not unusable.exists()


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_a_folder_without_photographs_is_one_line(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no such folder|no photographs below it"):
        scan(tmp_path / folder)


def test_a_list_of_other_photographs_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out = tmp_path / "photos", tmp_path / "list.csv"
    save(folder / "a.png")
    call(monkeypatch, "--photos", folder, "--out", out)
    save(folder / "a.png", PIXELS[:6])
    with pytest.raises(InputError, match=r"a\.png: has \d+ bytes, and \d+ in .*list the photographs again"):
        read_list(out, folder)
    (folder / "a.png").unlink()
    with pytest.raises(InputError, match=r"a\.png: is in .*list\.csv, but not here"):
        read_list(out, folder)
    for content in (
        "",
        "name,size\na,3\n",
        ",".join(COLUMNS) + "\n",
        ",".join(COLUMNS) + "\na,x,1,1,0\n",
        "x" * 200_000,
    ):
        out.write_text(content)
        with pytest.raises(InputError, match="list the photographs again"):
            read_list(out, folder)
    out.unlink()
    os.mkfifo(out)
    with pytest.raises(InputError, match="is no plain file"):
        read_list(out, folder)


def test_pairs_have_the_same_names_and_the_factor(paired_photos: Path) -> None:
    pairs = scan(paired_photos).pairs(4)
    assert [(hr.name, lr.name) for hr, lr in pairs] == [
        (f"HR/street/photo{n}.png", f"LR/street/photo{n}.png") for n in range(2)
    ]
    with pytest.raises(InputError, match=r"HR/street/photo0\.png: has 48x40, and .*photo0\.png has 12x10.*factor of 2"):
        scan(paired_photos).pairs(2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stray.png", r"stray\.png: pairs lie below HR/ and LR/; move it away"),
        ("HR/street/photo9.png", r"LR: no image for street/photo9, which HR/ has"),
        ("LR/alone.png", r"HR: no image for alone, which LR/ has"),
        ("HR/street/photo0.bmp", r"photo0\.bmp and HR/street/photo0\.png have one name; remove one"),
    ],
)
def test_pairs_that_do_not_match_are_named(
    paired_photos: Path, name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(paired_photos / name)
    out = paired_photos.parent / "list.csv"
    with pytest.raises(InputError, match=message):
        call(monkeypatch, "--photos", paired_photos, "--out", out, "--pairs", "4")
    assert not out.exists()
