"""A section of the GPU report in a process of its own: a spec in, rows or one line out."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.complexity import section
from benchmark.complexity.section import ReportRow, SectionResult, SectionSpec
from osediff.common.errors import InputError
from osediff.common.files import read_json
from osediff.common.settings import parse, write
from tests.benchmark.rows import command


def measured(width: float) -> list[tuple[str, float, str, str]]:
    """One row."""
    return [("width", width, "m", "by eye")]


def broken() -> list[tuple[str, float, str, str]]:
    """Code that does not work."""
    raise KeyError("odd")


def refused() -> list[tuple[str, float, str, str]]:
    """What the user must change."""
    raise InputError("no GPU here")


def spec(function: str, **options: float) -> SectionSpec:
    """The settings of a section that calls a function of this file."""
    return SectionSpec(entry_point=f"{__name__}:{function}", options=options)


def test_rows_are_written_with_unit_and_note(tmp_path: Path) -> None:
    write(tmp_path / "spec.yaml", spec("measured", width=3.5))
    command(section.main, "--spec", tmp_path / "spec.yaml", "--out", tmp_path / "rows.json")
    result = parse(read_json(tmp_path / "rows.json"), SectionResult, "rows.json")
    assert result.rows == (ReportRow(quantity="width", value=3.5, unit="m", note="by eye"),) and not result.failed


@pytest.mark.parametrize(("function", "line"), [("broken", "KeyError: 'odd'"), ("refused", "^no GPU here$")])
def test_what_fails_is_one_line(function: str, line: str) -> None:
    with pytest.raises(InputError, match=line):
        section.run_entry_point(spec(function))
