"""How one trial of the campaign ended, and which endings are faults."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TRACEBACK = "Traceback (most recent call last)"
ERROR = re.compile(r"^(?:\S+: )?error: \S")  # of a command, or of argparse
SECONDS = 300  # no command of the small demo needs a tenth of it, but the machine may be busy


@dataclass(frozen=True)
class Outcome:
    """The ending of one trial; ``fault`` is empty where it is as it must be."""

    verdict: str
    fault: str = ""


REFUSED, ACCEPTED, RECOVERED = Outcome("one line"), Outcome("same result"), Outcome("same bytes")


def run(
    command: Sequence[str], folder: Path, environment: dict[str, str] | None = None, seconds: float = SECONDS
) -> tuple[int | None, str]:
    """Run ``command`` in ``folder``; return its exit code, None if it did not end in time, and its output."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output
    return process.returncode, output


def judge(code: int | None, output: str, name: str = "") -> Outcome:
    """Return the outcome of a command that got something bad: one line, which holds ``name``, is as it must be.

    A command that succeeded is ``accepted``; the caller knows whether it may.
    """
    lines = [line for line in output.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "no output"
    if code is None:
        return Outcome("hang", last)
    if TRACEBACK in output:
        return Outcome("traceback", last)
    if code < 0:
        return Outcome("killed", f"signal {-code}: {last}")
    if code == 0:
        return Outcome("accepted", last)
    if not ERROR.match(last):
        return Outcome("another message", last)
    if name and name not in last:
        return Outcome("unnamed", last)
    return REFUSED
