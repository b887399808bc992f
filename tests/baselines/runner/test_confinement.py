"""A confined program reads everything and writes only where it may, and so does what it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

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


@pytest.mark.skipif(confinement.version() < 1, reason="this system has no Landlock")
def test_a_confined_program_opens_only_harmless_devices(tmp_path: Path) -> None:
    devices = tmp_path / "dev"
    devices.mkdir()
    for name in ("null", "nvidia0", "sda"):
        (devices / name).touch()
    code = "import sys, pathlib, baselines.runner.confinement as c; c.DEVICES = pathlib.Path(sys.argv.pop(1)); c.main()"
    opened = ["sh", "-c", 'for name in null nvidia0 sda; do (: >> "$0/$name") 2>&- && echo $name; done; :']
    command = [sys.executable, "-c", code, str(devices), "--", *opened, str(devices)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["null", "nvidia0"]


@pytest.mark.parametrize("version", [-1, 7])
def test_a_program_runs_with_a_line_where_the_system_cannot_confine_it(
    version: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system = SimpleNamespace(syscall=lambda number, attributes, *_: version if attributes is None else -1)
    started: list[list[str]] = []
    monkeypatch.setattr(confinement, "libc", system)
    monkeypatch.setattr(os, "execvp", lambda name, words: started.append(words))
    monkeypatch.setattr(sys, "argv", ["confinement", "results", "--", "true", "it"])
    confinement.main()
    assert started == [["true", "it"]]
    assert capsys.readouterr().err.startswith("not confined: Landlock is absent or refused")
