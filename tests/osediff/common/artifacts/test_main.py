"""The command: bring, list and verify the artifacts of registries, a line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.artifacts import __main__ as command
from osediff.common.errors import InputError
from osediff.common.files import read_json
from tests.file_server import DIGEST, FileServer


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """``python -m osediff.common.artifacts``, in this process."""
    monkeypatch.setattr("sys.argv", ["artifacts", *arguments])
    command.main()


def test_a_rule_brings_what_fits_and_goes_on_without_the_rest(
    registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "fetch", "metric-weights", "--limit", "1", "--optional", "--record", "brought.json")
    printed = capsys.readouterr()
    assert "metric-weights/here: 1 files, 0.3 MB, in data/weights; verified; MIT" in printed.out
    assert "metric-weights/large: left out (1000.0 MB); --only large brings it" in printed.out
    assert "missing: metric-weights/gone: data/weights/gone.pth: no mirror gave it" in printed.err
    assert "rare" not in printed.out
    assert read_json(registry / "brought.json") == {"data/weights/here.pth": DIGEST}


def test_a_person_hears_of_what_is_missing_and_may_ask_for_one(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="2 artifacts are missing; each is named above"):
        run(monkeypatch, "fetch", "metric-weights")
    run(monkeypatch, "fetch", "metric-weights", "--only", "rare")
    assert (registry / "data/weights/rare.pth").is_file()
    with pytest.raises(InputError, match="unknown artifact 'rar', did you mean rare"):
        run(monkeypatch, "fetch", "metric-weights", "--only", "rar")


def test_nothing_is_asked_for_offline(
    registry: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "fetch", "metric-weights", "--offline", "--optional", "--record", "brought.json")
    assert server.seen == [] and read_json(registry / "brought.json") == {}
    assert "is not here and the run is offline" in capsys.readouterr().err


def test_a_license_without_commercial_use_is_accepted_first(
    registry: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"is under S-Lab-1\.0, which must be accepted first"):
        run(monkeypatch, "fetch", "baselines")
    assert server.seen == []
    run(monkeypatch, "fetch", "baselines", "--accept", "S-Lab-1.0")
    assert (registry / "data/baselines/weights/b.pth").is_file()


def test_a_list_and_a_check_of_what_is_here(
    registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "fetch", "baselines", "--accept", "S-Lab-1.0")
    run(monkeypatch, "fetch", "metric-weights", "--only", "here")
    capsys.readouterr()
    run(monkeypatch, "list", "metric-weights")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "metric-weights/here: here, 0.3 MB, data/weights; MIT"
    assert lines[1].startswith("metric-weights/gone: not here, 0.3 MB")
    run(monkeypatch, "verify")
    assert "2 files are right" in capsys.readouterr().out
    # Of the baseline's file nobody published a sha256; the first one is demanded.
    for path in ("data/baselines/weights/b.pth", "data/weights/here.pth"):
        content = (registry / path).read_bytes()
        (registry / path).write_bytes(content[::-1])
        with pytest.raises(InputError, match="1 files are wrong"):
            run(monkeypatch, "verify")
        (registry / path).write_bytes(content)
