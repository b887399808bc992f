"""SIGTERM to Snakemake alone, as a scheduler sends it, ends the running jobs too; Snakemake would wait for them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import psutil

SHELLS = ("bash", "sh", "dash")
WRITERS = ("tee",)  # ends with the program whose output it gets


def programs(process: psutil.Process) -> Iterator[psutil.Process]:
    """Yield the programs that ``process`` and its shells have started; what a program has started is its own matter."""
    for child in process.children():
        with contextlib.suppress(psutil.Error):
            name = child.name()
            if name in SHELLS:
                yield from programs(child)
            elif name not in WRITERS:
                yield child


def end_jobs_on_sigterm() -> None:
    """Pass SIGTERM on to the running jobs, which save their state and end; the next one, to those that still run."""
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        if callable(before):  # of Snakemake: no further job starts
            before(number, frame)
        for program in list(programs(psutil.Process())):
            with contextlib.suppress(psutil.Error):
                program.terminate()

    signal.signal(signal.SIGTERM, stop)
