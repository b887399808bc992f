"""Worker processes, each of which measures one pair of images at a time on one thread.

On Linux they are forked, so that networks that this process has built are in memory only once; on other systems each
process builds them again. Values do not depend on the number of processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from osediff.common.errors import InputError

PAIRS_PER_WORKER = 50  # below this number of pairs a process takes longer to start than to work


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sensible_workers(pairs: int, available: int) -> int:
    """Return how many processes are worth starting for ``pairs`` of images, of ``available`` cores."""
    return max(1, min(available, pairs // PAIRS_PER_WORKER))


def start(parent: int) -> None:
    """Prepare a new process: one thread, Ctrl-C left to the parent, and an end when the parent ends or is killed."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(1)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def pool(number: int) -> Iterator[ProcessPoolExecutor]:
    """Start ``number`` processes for the block. If it fails, waiting jobs are dropped. InputError if a process dies."""
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    executor = ProcessPoolExecutor(number, context, start, (os.getpid(),))
    try:
        yield executor
    except BrokenProcessPool as error:
        raise InputError("a process that measures was killed, perhaps for memory; try fewer --workers") from error
    finally:
        executor.shutdown(cancel_futures=True)
