"""The campaign tells a fault from an ending that is as it must be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.outcomes import judge, run

TRACE = 'Traceback (most recent call last):\n  File "a.py"\nKeyError: 1\n'


@pytest.mark.parametrize(
    ("code", "output", "verdict", "fault"),
    [
        (2, "progress\nerror: a.csv line 3, column value: 'x' is not a finite number\n", "one line", False),
        (2, "usage: train [-h]\ntrain.py: error: argument --spec: expected one argument\n", "one line", False),
        (1, TRACE, "traceback", True),
        (2, f"{TRACE}error: a.csv is wrong\n", "traceback", True),
        (1, "error: a.csv is wrong\nShutting down, this might take some time.\n", "another message", True),
        (1, "", "another message", True),
        (0, "done\n", "accepted", True),
        (-9, "", "killed", True),
        (None, "working\n", "hang", True),
    ],
)
def test_a_verdict_is_by_code_and_last_line(code: int | None, output: str, verdict: str, fault: bool) -> None:
    outcome = judge(code, output)
    assert (outcome.verdict, bool(outcome.fault)) == (verdict, fault)


def test_a_program_that_does_not_end_is_a_hang_and_ends(tmp_path: Path) -> None:
    code, output = run([sys.executable, "-c", "print('begun')"], tmp_path)
    assert (code, output) == (0, "begun\n")
    endless = "import time; print('begun', flush=True); time.sleep(1000)"
    code, output = run([sys.executable, "-c", endless], tmp_path, seconds=2)
    assert judge(code, output).verdict == "hang"
