"""How a side of a comparison answers: a request is a line of JSON on stdin, its answer a line on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any


def peak(process: int | str = "self") -> float:
    """Resident memory of ``process`` (an id) at its highest so far, GB."""
    return int(Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1].split()[0]) / 1e6


def serve(work: Callable[[Mapping[str, Any]], Mapping[str, float]]) -> None:
    """Do ``work`` for each request, until stdin ends.

    An answer has what ``work`` returns (``values``), its seconds by the clock (``wall``) and of CPU time of all threads
    (``cpu``), and the highest memory so far (``peak``, GB). What else is printed goes to stderr.
    """
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            wall, cpu = time.perf_counter(), time.process_time()
            values = work(request)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            answer = {"wall": wall, "cpu": cpu, "peak": peak(), "values": dict(values)}
            print(json.dumps(answer), file=answers, flush=True)
