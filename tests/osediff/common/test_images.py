"""Which images are taken, which are refused and how they are paired."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from osediff.common.errors import InputError
from osediff.common.images import list_images, pairs, read_converted, read_rgb, read_upright, rgb_size, write_png

RGB = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)


def images(folder: Path, *stems: str) -> Path:
    for stem in stems:
        write_png(folder / f"{stem}.png", RGB)
    return folder


def test_png_keeps_every_pixel(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", RGB)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), RGB)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), RGB)


def test_an_image_that_is_stored_turned_is_refused_where_uprightness_counts(tmp_path: Path) -> None:
    exif = Image.Exif()
    for orientation in (6, 1):
        exif[ExifTags.Base.Orientation] = orientation
        for name in ("photo.jpg", "photo.png"):
            Image.fromarray(RGB).save(tmp_path / f"{orientation}{name}", exif=exif)
    for name in ("photo.jpg", "photo.png"):
        with pytest.raises(InputError, match=r"6photo\....: is stored turned or mirrored, .*; use --convert"):
            read_upright(tmp_path / f"6{name}", "use --convert")
        assert np.array_equal(read_upright(tmp_path / f"1{name}", "use it"), read_rgb(tmp_path / f"1{name}"))


def save_gray(path: Path) -> None:
    Image.fromarray(RGB[..., 0]).save(path)


def save_16_bit(path: Path) -> None:
    cv2.imwrite(str(path), RGB.astype(np.uint16) * 257)


def save_16_bit_gray(path: Path) -> None:
    cv2.imwrite(str(path), RGB[..., 0].astype(np.uint16) * 257)


def save_alpha(path: Path) -> None:
    Image.fromarray(RGB).convert("RGBA").save(path)


def save_transparent_color(path: Path) -> None:
    Image.fromarray(RGB).save(path, transparency=(1, 2, 3))


def save_palette(path: Path) -> None:
    Image.fromarray(RGB).quantize(16).save(path)


def save_truncated(path: Path) -> None:
    Image.fromarray(RGB.repeat(20, 0).repeat(20, 1)).save(path)
    path.write_bytes(path.read_bytes()[:300])


def save_damaged(path: Path) -> None:
    Image.fromarray(RGB).save(path)
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(bytes(content))


def save_text(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\n")


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (save_gray, "is gray"),
        (save_16_bit, "is 16-bit"),
        (save_16_bit_gray, "is 16-bit"),
        (save_alpha, "is transparent"),
        (save_transparent_color, "is transparent"),
        (save_palette, "is palette"),
        (save_truncated, "cannot be read"),
        (save_damaged, "cannot be read"),
        (save_text, "cannot be read"),
        (lambda path: None, "no such image"),
    ],
)
def test_anything_but_whole_8_bit_rgb_is_refused_by_name(save: object, message: str, tmp_path: Path) -> None:
    assert callable(save)
    path = tmp_path / "photo.png"
    save(path)
    with pytest.raises(InputError, match=rf"photo\.png: {message}") as error:
        read_rgb(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("save", "expected"),
    [
        (save_gray, RGB[..., :1].repeat(3, 2)),
        (save_16_bit, RGB[..., ::-1]),  # OpenCV writes blue first
        (save_16_bit_gray, RGB[..., :1].repeat(3, 2)),
        (save_alpha, RGB),
        (save_transparent_color, RGB),
        (lambda path: Image.fromarray(RGB).save(path), RGB),
    ],
)
def test_other_kinds_are_converted_on_request(
    save: Callable[[Path], None], expected: np.ndarray, tmp_path: Path
) -> None:
    save(tmp_path / "photo.png")
    assert np.array_equal(read_converted(tmp_path / "photo.png"), expected)


def test_a_palette_becomes_its_colors(tmp_path: Path) -> None:
    save_palette(tmp_path / "photo.png")
    expected = np.asarray(Image.fromarray(RGB).quantize(16).convert("RGB"))
    assert np.array_equal(read_converted(tmp_path / "photo.png"), expected)


def test_a_converted_photograph_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # the camera was turned: the first row is the right side
    Image.fromarray(RGB).save(tmp_path / "photo.png", exif=exif)
    assert np.array_equal(read_converted(tmp_path / "photo.png"), np.rot90(RGB, -1))


def test_32_bits_and_damaged_files_are_not_converted(tmp_path: Path) -> None:
    Image.fromarray(RGB[..., 0].astype(np.float32)).save(tmp_path / "photo.tif")
    with pytest.raises(InputError, match=r"photo\.tif: has 32 bits"):
        read_converted(tmp_path / "photo.tif")
    save_truncated(tmp_path / "photo.png")
    with pytest.raises(InputError, match="cannot be read"):
        read_converted(tmp_path / "photo.png")


def test_16_bit_tiff_is_refused(tmp_path: Path) -> None:
    save_16_bit(tmp_path / "photo.tif")
    with pytest.raises(InputError, match="16-bit"):
        read_rgb(tmp_path / "photo.tif")


def test_images_are_listed_by_stem_and_nothing_else_is(tmp_path: Path) -> None:
    images(tmp_path, "b", "a", ".hidden")
    (tmp_path / "manifest.json").write_text("{}")
    Image.fromarray(RGB).save(tmp_path / "c.JPG")
    assert list(list_images(tmp_path)) == ["a", "b", "c"]


def test_folders_without_usable_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="LR: no such folder"):
        list_images(tmp_path / "LR")
    (tmp_path / "LR").mkdir()
    with pytest.raises(InputError, match="LR: no images here"):
        list_images(tmp_path / "LR")
    images(tmp_path / "LR", "a")
    Image.fromarray(RGB).save(tmp_path / "LR" / "a.jpg")
    with pytest.raises(InputError, match=r"a\.jpg and a\.png share a stem"):
        list_images(tmp_path / "LR")


def test_pairs_go_by_stem_not_by_position(tmp_path: Path) -> None:
    sr, hr = images(tmp_path / "SR", "b", "a"), images(tmp_path / "HR", "a", "b")
    assert pairs(sr, hr) == [("a", sr / "a.png", hr / "a.png"), ("b", sr / "b.png", hr / "b.png")]


def test_every_image_without_a_partner_is_named_on_one_line(tmp_path: Path) -> None:
    lr = images(tmp_path / "LR", "both", *(f"lr{index}" for index in range(8)))
    hr = images(tmp_path / "HR", "both", "hr0")
    with pytest.raises(InputError) as error:
        pairs(lr, hr)
    assert str(error.value) == (
        f"images without a partner of the same name: {lr} lacks hr0; {hr} lacks lr0, lr1, lr2, lr3, lr4 and 3 more"
    )


def test_a_folder_is_no_reference_of_its_own(tmp_path: Path) -> None:
    folder = images(tmp_path / "SR", "a")
    with pytest.raises(InputError, match="same folder twice"):
        pairs(folder, tmp_path / "SR" / ".." / "SR")


def test_writing_what_is_no_image_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_png(tmp_path / "a.png", RGB.astype(np.float32))


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_plain_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    for read in (read_rgb, rgb_size):
        with pytest.raises(InputError, match=r"a\.png: is no plain file"):
            read(path)
