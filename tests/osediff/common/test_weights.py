"""Where weights lie on this machine, which of them a person brought, and a digest that is remembered."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from osediff.common import weights
from osediff.common.files import read_json, write_json


def use_folders(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[Path, Path]:
    """Two empty folders in place of this machine's: of the suite, and of torch's checkpoints."""
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(folder / "suite"))
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    suite, checkpoints = folder / "suite", folder / "torch" / "hub" / "checkpoints"
    for path in (suite, checkpoints):
        path.mkdir(parents=True)
    return suite, checkpoints


def test_the_suites_folder_comes_before_those_of_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite, checkpoints = use_folders(monkeypatch, tmp_path)
    assert weights.find("a.pth") is None
    (checkpoints / "a.pth").touch()
    assert weights.find("a.pth") == checkpoints / "a.pth"
    (suite / "a.pth").touch()
    assert weights.find("a.pth") == suite / "a.pth"


def test_files_that_a_person_brought_are_told_from_those_of_a_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite, checkpoints = use_folders(monkeypatch, tmp_path)
    for path in (suite / "fetched.pth", suite / "mine.pth", checkpoints / "old.pth"):
        path.write_bytes(b"1234")
    names = ["fetched.pth", "mine.pth", "old.pth", "absent.pth"]
    assert weights.provided(names) == {str(checkpoints / "old.pth"): 4}, "no rule has run yet; it will list the rest"
    write_json(suite / weights.BROUGHT, {"data/weights/fetched.pth": "0" * 64})
    assert weights.provided(names) == {str(checkpoints / "old.pth"): 4, str(suite / "mine.pth"): 4}


def test_a_digest_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite, _ = use_folders(monkeypatch, tmp_path)
    file = suite / "a.pth"
    file.write_bytes(b"first")
    first = hashlib.sha256(b"first").hexdigest()
    assert weights.digest(file) == first and first in read_json(suite / weights.DIGESTS).values()
    with monkeypatch.context() as patch:
        patch.setattr(weights, "sha256", lambda _: pytest.fail("computed twice"))
        weights._digest.cache_clear()  # as in another process
        assert weights.digest(file) == first
    file.write_bytes(b"other")
    os.utime(file, (1, 1))
    assert weights.digest(file) == hashlib.sha256(b"other").hexdigest()
