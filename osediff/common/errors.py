"""How a command ends: an error that the user can correct is one line; a traceback means a bug in this suite."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn


class InputError(Exception):
    """A mistake of the user. The message is one line: what is wrong, where, and what to do."""


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """Handle SIGTERM, by which schedulers end programs, like Ctrl-C: temporary files are removed."""
    raise KeyboardInterrupt


def describe(error: OSError, place: Path | str = "") -> str:
    """Return in one line what a disk refused, and where: at ``place``, if the system names no file."""
    where = f"{error.filename or place}: " if error.filename or place else ""
    advice = "make room and repeat, " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{where}{error.strerror or error}; {advice}no file is half-written"


@contextmanager
def exit_if_disk_fails(path: Path) -> Iterator[None]:
    """Exit with one line if ``path`` cannot be written in the block: Snakemake would print a traceback."""
    try:
        yield
    except OSError as error:
        sys.exit(f"error: {describe(error, path)}")


def run(main: Callable[[], None]) -> NoReturn:
    """Run a command line and exit: 0 when done, 2 with one line for bad input or a failing disk, 130 if it is stopped.

    Ctrl-C and SIGTERM stop it.
    """
    signal.signal(signal.SIGTERM, stop)
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"error: {describe(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped; the same command continues from here", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)
