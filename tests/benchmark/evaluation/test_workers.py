"""Processes that measure: they end with the one that started them, and a killed one is an error in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.evaluation import workers
from osediff.common.errors import InputError
from tests.helpers import ROOT


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    code = (
        "import os, time\nfrom benchmark.evaluation.workers import pool\n"
        "with pool(2) as processes:\n"
        "    print(*{processes.submit(os.getpid).result() for _ in range(9)}, flush=True)\n    time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    started = [int(word) for word in process.stdout.readline().split()]
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert started and not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_a_process_that_is_killed_is_an_error_in_one_line() -> None:
    with pytest.raises(InputError, match="a process that measures was killed"), workers.pool(1) as processes:
        processes.submit(os.kill, processes.submit(os.getpid).result(), signal.SIGKILL).result()


def test_processes_are_started_where_they_are_worth_it() -> None:
    assert [workers.sensible_workers(pairs, 8) for pairs in (1, 99, 100, 399, 3000)] == [1, 1, 2, 7, 8]
