"""How the C library of this process treats freed memory."""

from __future__ import annotations

import contextlib
import ctypes

# Parameters of mallopt (malloc.h of the GNU C library).
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Let this process use freed memory again, and not return it to the system before the process ends.

    Otherwise every large tensor is new memory, which the system clears page by page: from a hundredth of the CPU time
    of a restoration to an eighth, where little memory is left (docs/measurements.md). The process holds more than it
    uses at once, because of gaps between tensors; how much depends on the largest images, not on their number. Results
    do not change. Does nothing where the C library is not the GNU one.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
