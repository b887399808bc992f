"""How a training ended: written, read, and said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from osediff.outcome import Outcome, read_outcome, write_outcome


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Outcome(converged=True, steps=100), "converged"),
        (
            Outcome(converged=False, step=7, reason="mse is not finite", photos=("a",), last_good=5),
            "did not converge: mse is not finite at step 7",
        ),
    ],
)
def test_an_outcome_is_read_as_it_was_written(tmp_path: Path, outcome: Outcome, line: str) -> None:
    write_outcome(tmp_path, outcome)
    assert read_outcome(tmp_path) == outcome and str(outcome) == line


def test_an_absent_or_damaged_outcome_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"outcome\.json"):
        read_outcome(tmp_path)
    (tmp_path / "outcome.json").write_text('{"steps": 3}')
    with pytest.raises(InputError, match=r"outcome\.json: key 'converged' is missing"):
        read_outcome(tmp_path)
