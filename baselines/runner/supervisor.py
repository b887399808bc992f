"""A program in a process of its own, watched: its output passed on, its last lines kept, stopped when it hangs.

The program tells how it gets on by JSON lines on a pipe, whose file descriptor is its last argument; what it and the
libraries below it print is output, whatever it says.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from threading import Thread
from typing import IO, Any

TAIL = 40  # lines of output that a failure shows
EVERY = 0.5  # seconds between looks at a process that says nothing


@dataclass
class Ended:
    """How a program ended: exit code (negative: by that signal), whether it hung, its messages, its last lines."""

    code: int
    hung: bool
    messages: list[dict[str, Any]]
    tail: list[str] = field(default_factory=list)


def relay(stream: IO[str], tail: deque[str]) -> None:
    """Passes ``stream`` on to stderr line by line, the newest kept in ``tail``."""
    for line in stream:
        sys.stderr.write(line)
        sys.stderr.flush()
        if line.strip():
            tail.append(line.rstrip())


def kill(process: subprocess.Popen[str]) -> None:
    """Ends a program and everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def listen(process: subprocess.Popen[str], pipe: int, limit: float) -> tuple[bool, list[dict[str, Any]]]:
    """Waits for the end of ``process``: whether nothing came through ``pipe`` for ``limit`` seconds, and what came."""
    messages, received, last = [], b"", time.monotonic()
    while True:
        ended = process.poll() is not None
        while select.select([pipe], [], [], 0 if ended else EVERY)[0]:
            chunk = os.read(pipe, 1 << 16)
            if not chunk:  # the program closed it, and is about to end
                ended = True
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(limit)
                break
            *lines, received = (received + chunk).split(b"\n")
            messages += [json.loads(line) for line in lines]
            last = time.monotonic()
        if ended or time.monotonic() - last > limit:
            return process.poll() is None, messages


def supervise(command: list[str], environment: dict[str, str], limit: float) -> Ended:
    """Runs ``command`` to its end, or until it tells nothing for ``limit`` seconds; what it started ends with it."""
    pipe, other_end = os.pipe()
    process = subprocess.Popen(
        [*command, str(other_end)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(other_end,),
        start_new_session=True,
    )
    os.close(other_end)
    assert process.stdout is not None
    tail: deque[str] = deque(maxlen=TAIL)
    echo = Thread(target=relay, args=(process.stdout, tail), daemon=True)
    echo.start()
    try:
        hung, messages = listen(process, pipe, limit)
    finally:
        kill(process)
        os.close(pipe)
    echo.join(timeout=5)
    return Ended(process.returncode, hung, messages, list(tail))
