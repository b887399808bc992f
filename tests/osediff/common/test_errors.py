"""How a command line ends, for whoever called it."""

import errno
import sys

import pytest

from osediff.common.errors import InputError, run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("a.png: is gray"), 2, "error: a.png: is gray"),
        (OSError(errno.ENOSPC, "No space left on device", "out.csv"), 2, "error: out.csv: No space left on device"),
        (KeyboardInterrupt(), 130, "stopped; the same command continues"),
    ],
)
def test_an_expected_failure_is_one_line_and_a_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        run(main)
    shown = capsys.readouterr().err
    assert end.value.code == code
    assert shown.startswith(line) and shown.count("\n") == 1


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: print(1 // 0, file=sys.stderr))


def test_success_is_zero() -> None:
    with pytest.raises(SystemExit) as end:
        run(lambda: None)
    assert end.value.code == 0
