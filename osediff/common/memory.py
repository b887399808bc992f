"""How the C library of this process treats freed memory."""

from __future__ import annotations

import contextlib
import ctypes

# Parameters of mallopt (malloc.h of the GNU C library).
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Let this process use freed memory again, and not return it to the system before the process ends.

    Otherwise every large tensor is new memory, which the system clears page by page: a tenth of the time of a
    restoration on a free machine, and a third on one with little memory left. Results do not change. Does nothing
    where the C library is not the GNU one.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
