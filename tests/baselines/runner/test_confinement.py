"""A confined program reads everything and writes only where it may, and so does what it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from baselines.runner import confinement

WRITE = 'echo new > "$1/made"; echo new > "$1/old"; mkdir "$1/folder"; rm "$1/older"; cat "$1/old"'


def make_folders(tmp_path: Path) -> tuple[Path, Path]:
    """Make two folders with the same two files."""
    for name in ("results", "sources"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").write_text("old\n")
        (tmp_path / name / "older").touch()
    return tmp_path / "results", tmp_path / "sources"


@pytest.mark.skipif(confinement.version() < 1, reason="this system has no Landlock")
def test_a_confined_program_changes_nothing_but_its_folders(tmp_path: Path) -> None:
    results, sources = folders = make_folders(tmp_path)
    command = [sys.executable, "-m", "baselines.runner.confinement", str(results), str(results / "absent"), "--"]
    for folder in folders:
        started = ["sh", "-c", 'sh -c "$2" sh "$1" 2> /dev/null', "sh", str(folder), WRITE]
        done = subprocess.run([*command, *started], capture_output=True, text=True, check=True)
        assert done.stdout == ("new\n" if folder == results else "old\n")
    assert sorted(path.name for path in sources.iterdir()) == ["old", "older"]
    assert sorted(path.name for path in results.iterdir()) == ["folder", "made", "old"]


def test_a_program_runs_where_the_system_cannot_confine_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(confinement, "version", lambda: -1)
    assert not confinement.confine(make_folders(tmp_path))
