"""YAML as people mean it, and names that are answered by the nearest."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from osediff.common.errors import InputError
from osediff.common.validation import as_typed, check_name, check_room, check_writable, dump_yaml, read_yaml


def test_numbers_dates_and_keys_are_what_people_mean(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rate: 5e-5\nday: 2024-01-02\nbase: &base {a: 1}\nmore: {<<: *base, b: 2}\n")
    assert read_yaml(tmp_path / "a.yaml") == {
        "rate": 5e-5,
        "day": "2024-01-02",
        "base": {"a": 1},
        "more": {"a": 1, "b": 2},
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\na: 2\n", r"x\.yaml: line 2: a stands twice"),
        ("1: a\n", r"x\.yaml: line 1: key 1 is not text; put it in quotes"),
        ("a: [1\n", r"x\.yaml: line 2: not valid YAML"),
        ("[" * 100_000, r"x\.yaml: is nested too deeply"),
        ("{a: " * 5000 + "1" + "}" * 5000, r"x\.yaml: is nested too deeply"),
        ("- " * 5000 + "1", r"x\.yaml: is nested too deeply"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_place(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError, match=line) as error:
        read_yaml(tmp_path / "x.yaml")
    assert "\n" not in str(error.value)


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    content = {"b": "5e-5", "a": [1, 2.5, None, "null", "é"]}
    (tmp_path / "a.yaml").write_text(dump_yaml(content), encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == content and list(read_yaml(tmp_path / "a.yaml")) == ["b", "a"]


def test_what_is_typed_on_a_command_line_is_what_a_file_would_say() -> None:
    assert as_typed({"a": "5e-5", "b": ["1", "x"], "c": 2, "d": "[1"}) == {"a": 5e-5, "b": [1, "x"], "c": 2, "d": "[1"}


def test_an_unknown_name_is_answered_by_the_nearest_or_by_all() -> None:
    check_name("metric", "psnr", ["psnr", "ssim"], "x.yaml")
    with pytest.raises(InputError, match=r"x\.yaml: unknown metric 'pnsr', did you mean psnr\?"):
        check_name("metric", "pnsr", ["psnr", "ssim"], "x.yaml")
    with pytest.raises(InputError, match="unknown metric 'zzz', known: psnr, ssim"):
        check_name("metric", "zzz", ["ssim", "psnr"], "x.yaml")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_writable([tmp_path, tmp_path / "new"])
    with pytest.raises(InputError, match=r"file: is a file, where a folder must be"):
        check_writable([tmp_path / "file"])


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(tmp_path / "new")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=5 if place == tmp_path else 10**9))
    with pytest.raises(InputError, match="new: the disk has 5 bytes left; make room and repeat"):
        check_room(tmp_path / "new")
