"""Records of benchmarks, and the document that is made of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from osediff.common.errors import InputError
from tests.helpers import ROOT
from tools.benchmarks import record as records
from tools.benchmarks import render
from tools.benchmarks.record import RECORDS, Difference, Record, Recorder, Run, read_record
from tools.benchmarks.side import Side
from tools.benchmarks.startup import time_first_line


def record(**changes: object) -> Record:
    """Two pieces of work of two sides, the first of them twice."""
    runs = [("a", "theirs", 4.0), ("a", "ours", 1.0), ("a", "theirs", 2.0), ("a", "ours", 2.0), ("b", "ours", 0.25)]
    content = {
        "command": "python -m tools.benchmarks.x",
        "date": "2026-01-02",
        "commit": "abc",
        "machine": "a machine",
        "versions": {"torch": "1"},
        "threads": 1,
        "load": (0.0, 1.5),
        "sides": ("theirs", "ours"),
        "runs": tuple(Run(work=work, side=side, wall=wall, cpu=2 * wall, peak=1.0) for work, side, wall in runs),
        "differences": (Difference(work="a", side="ours", largest=1.23e-6),),
    }
    return Record.model_validate(content | changes)


def test_a_table_has_medians_ratios_and_differences() -> None:
    rows = [line.strip("| ").split(" | ") for line in render.render_table(record()).splitlines()[2:]]
    assert rows == [
        ["a", "theirs", "2", "3.00", "6.00", "1.00", ""][:6],
        ["a", "ours", "2", "1.50 (0.500)", "3.00 (0.500)", "1.00", "1.2e-06"],
        ["b", "ours", "1", "0.250", "0.500", "1.00", ""][:6],
    ]


def test_the_document_is_what_the_committed_records_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = render.DOCUMENT.read_text(encoding="utf-8")
    assert render.render_document(text) == text, "python -m tools.benchmarks.render"
    named = {found[1] for found in render.REGION.finditer(text)}
    assert named == {path.stem for path in RECORDS.glob("*.json")}, "every record has its place in the document"


def test_a_figure_that_is_typed_by_hand_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "page.md"
    monkeypatch.setattr(render, "DOCUMENT", document)
    monkeypatch.setattr(render, "read_record", lambda name: record())
    document.write_text("before\n<!-- benchmark x -->\n<!-- end of benchmark -->\nafter\n")
    monkeypatch.setattr(sys, "argv", ["render"])
    render.main()
    rendered = document.read_text()
    assert "1.50 (0.500)" in rendered and rendered.startswith("before\n") and rendered.endswith("\nafter\n")
    monkeypatch.setattr(sys, "argv", ["render", "--check"])
    render.main()
    document.write_text(rendered.replace("1.50", "1.40"))
    with pytest.raises(InputError, match="is not what the records say"):
        render.main()


def test_a_side_answers_in_its_turn_and_its_times_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.benchmarks.record.RECORDS", tmp_path)
    code = "from tools.official.sides.serving import serve; serve(lambda request: {'double': 2 * request['x']})"
    side = Side("-c", code)
    recorder = Recorder("tools.benchmarks.x", ("ours",), ("torch",), threads=2)
    for number in (1, 2):
        answer = side.ask(x=number)
        assert answer["values"] == {"double": 2 * number} and answer["peak"] > 0
        recorder.add("doubling", "ours", answer)
    side.end()
    recorder.write("x")
    written = read_record("x")
    assert [run.work for run in written.runs] == ["doubling", "doubling"] and written.threads == 2
    with pytest.raises(InputError, match="no such record"):
        read_record("y")
    with pytest.raises(SystemExit, match="a side has ended"):
        Side("-c", "raise SystemExit(3)")


def test_a_command_that_fails_or_says_so_first_is_not_timed(tmp_path: Path) -> None:
    seen = time_first_line([sys.executable, "-c", "input('ready')"], tmp_path, to_end=False)
    assert seen["wall"] > 0 and seen["cpu"] > 0 and 0.001 < seen["peak"] < 0.05
    assert time_first_line([sys.executable, "-c", "print('x')"], tmp_path, to_end=True)["peak"] > 0.001
    for code, said in (("import nothing_here", "Traceback"), ("print('error: so'); input()", "error: so")):
        with pytest.raises(InputError, match=said):
            time_first_line([sys.executable, "-c", code], tmp_path, to_end=False)
    with pytest.raises(InputError, match="exit code 3"):
        time_first_line([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, to_end=False)


def test_a_record_is_of_one_commit_and_needs_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder("tools.benchmarks.x", ("ours",), ("torch",), threads=1)
    monkeypatch.setattr(records, "read_commit", lambda: "another")
    with pytest.raises(InputError, match="is at another now"):
        recorder.write("x")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="git does not name its commit"):
        Recorder("tools.benchmarks.x", ("ours",), ("torch",), threads=1)
