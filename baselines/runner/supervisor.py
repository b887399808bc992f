"""Run a program in a separate process and watch it: show its output, store its last lines, stop it if it hangs.

The program reports its progress as messages on a pipe (baselines.runner.messages). The file descriptor of the pipe is
its last argument. Text that it or its libraries print is shown, and never read as a message.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import IO

from baselines.runner.messages import Message, parse_message

TAIL_LINES = 40
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class ProcessResult:
    """How a program ended.

    Attributes:
        code: exit code; negative if a signal ended the program.
        hung: whether it was stopped because no message came in time.
        messages: all its messages, oldest first.
        tail: the last lines of its output.
    """

    code: int
    hung: bool
    messages: tuple[Message, ...] = ()
    tail: tuple[str, ...] = ()


@cache
def without_network() -> tuple[str, ...]:
    """Return the words before a command that take its network away; none where the system does not allow that."""
    for words in (("unshare", "--net"), ("unshare", "--net", "--map-current-user")):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run([*words, "true"], check=True, timeout=10, capture_output=True)
            return words
    return ()


def supervise(command: Sequence[str], environment: Mapping[str, str], limit: float) -> ProcessResult:
    """Run ``command`` until it ends, or until it sends no message for ``limit`` seconds.

    Everything that the program started ends with it.

    Args:
        command: the program and its arguments; the pipe is added as the last one.
        environment: all environment variables of the program.
        limit: seconds.
    """
    pipe, write_end = os.pipe()
    process = subprocess.Popen(
        [*command, str(write_end)],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(write_end,),
        start_new_session=True,
    )
    os.close(write_end)
    assert process.stdout is not None
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    echo = Thread(target=_show_output, args=(process.stdout, tail), daemon=True)
    echo.start()
    try:
        hung, messages = _collect_messages(process, pipe, limit)
    finally:
        _kill_group(process)
        os.close(pipe)
    echo.join(timeout=5)
    return ProcessResult(process.returncode, hung, tuple(messages), tuple(tail))


def _show_output(stream: IO[str], tail: deque[str]) -> None:
    """Copy ``stream`` to stderr line by line, and its newest lines to ``tail``."""
    for line in stream:
        sys.stderr.write(line)
        sys.stderr.flush()
        if line.strip():
            tail.append(line.rstrip())


def _collect_messages(process: subprocess.Popen[str], pipe: int, limit: float) -> tuple[bool, list[Message]]:
    """Wait for the end of ``process``; return whether it hung, and its messages."""
    messages: list[Message] = []
    received, last = b"", time.monotonic()
    while True:
        ended = process.poll() is not None
        while select.select([pipe], [], [], 0 if ended else POLL_SECONDS)[0]:
            chunk = os.read(pipe, 1 << 16)
            if not chunk:  # the program closed the pipe, and is about to end
                ended = True
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(limit)
                break
            *lines, received = (received + chunk).split(b"\n")
            messages += map(parse_message, lines)
            last = time.monotonic()
        if ended or time.monotonic() - last > limit:
            return process.poll() is None, messages


def _kill_group(process: subprocess.Popen[str]) -> None:
    """End a program and everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
