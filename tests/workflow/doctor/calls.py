"""Calls of the doctor, and what it says."""

from __future__ import annotations

import re

import pytest

from osediff.common.errors import run
from workflow.doctor.__main__ import main


class Doctor:
    """Calls the doctor and keeps what it said last."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch
        self.lines: list[str] = []

    def __call__(self, *arguments: str) -> int:
        """Return the exit code."""
        self.monkeypatch.setattr("sys.argv", ["doctor", *arguments])
        with pytest.raises(SystemExit) as stop:
            run(main)
        output = self.capsys.readouterr()
        self.lines = (output.out + output.err).splitlines()
        return int(stop.value.code or 0)

    def state(self, title: str) -> str:
        """What is said of a step, such as ``to do 0 of 3``."""
        (line,) = [line for line in self.lines if f" {title}: " in line]
        state, counted = re.fullmatch(rf" ?\d+ (done|optional|to do) +{re.escape(title)}: (.*)", line).groups()  # type: ignore[union-attr]
        return f"{state} {counted}"

    def number(self, title: str) -> int:
        """The number before a step."""
        (line,) = [line for line in self.lines if f" {title}: " in line]
        return int(line.split()[0])

    def named(self, kind: str) -> list[str]:
        """The paths that are named as ``missing`` or ``by hand``."""
        return [line.split(f"{kind}: ", 1)[1] for line in self.lines if line.strip().startswith(f"{kind}: ")]
