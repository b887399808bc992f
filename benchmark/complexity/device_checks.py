"""Checks of a device that need no method: whether it is leased to one job at a time, and the time of an evaluation.

Entry points of benchmark.complexity.gpu_report. Each returns rows ``(quantity, value, unit, note)``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from itertools import combinations

import torch

from benchmark.complexity.specs import TimingProtocol
from benchmark.complexity.timing import measure
from osediff.common.errors import InputError

Row = tuple[str, float, str, str]
JOBS = 4  # that ask for a device at once
SECONDS = 600  # for all of them; each holds its device for half a second
BATCHES = (1, 8, 32)
# What a leased job does: say which device it has, and from when to when.
HOLD = "import os, time; begun = time.time(); time.sleep(0.5); "
HOLD += "print(os.environ['CUDA_VISIBLE_DEVICES'], begun, time.time())"
PROTOCOL = TimingProtocol(includes=(), precision="fp32", batch=1, warmup=2, runs=20, seconds=10.0, statistic="median")


def check_lease(device: str) -> list[Row]:
    """Start jobs that each lease a device and hold it, and count those that shared one.

    On a CPU the names of the devices are invented; the locks are tested in the same way.

    Raises:
        InputError: a job failed, or two had one device at the same time.
    """
    environment = dict(os.environ) | ({"CUDA_VISIBLE_DEVICES": "made-up-0,made-up-1"} if device == "cpu" else {})
    command = [sys.executable, "-m", "osediff.common.gpu_lease", "--", sys.executable, "-c", HOLD]
    kind = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    jobs = [subprocess.Popen(command, text=True, env=environment, **kind) for _ in range(JOBS)]  # type: ignore[call-overload]
    try:
        until = time.monotonic() + SECONDS
        outputs = [job.communicate(timeout=max(until - time.monotonic(), 0)) for job in jobs]
    except subprocess.TimeoutExpired:
        for job in jobs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)  # with what it started, which holds the pipes
            job.communicate()
        raise InputError(f"{JOBS} jobs that lease a device for half a second did not end within {SECONDS} s") from None
    broken = [errors for job, (_, errors) in zip(jobs, outputs, strict=True) if job.returncode]
    if broken:
        raise InputError(f"a leased job failed: {broken[0].strip().splitlines()[-1]}")
    spans = [(name, float(begun), float(ended)) for name, begun, ended in (output.split() for output, _ in outputs)]
    shared = [
        one[0]
        for one, other in combinations(spans, 2)
        if one[0] == other[0] and one[1] < other[2] and other[1] < one[2]
    ]
    if shared:
        raise InputError(f"{len(shared)} pairs of jobs had one device at the same time: {', '.join(shared)}")
    used = len({name for name, _, _ in spans})
    return [("jobs that leased a device each in turn", JOBS, "jobs", f"{used} devices, none shared at one time")]


def time_evaluation(size: int, device: str) -> list[Row]:
    """Time SSIM of pyiqa, which needs no weights, on batches of random images, as learned metrics are measured."""
    import pyiqa

    metric = pyiqa.create_metric("ssim", device=torch.device(device))
    rows: list[Row] = []
    for batch in BATCHES:
        sr, hr = torch.rand((2, batch, 3, size, size), device=device)
        with torch.inference_mode():
            seconds = measure(lambda sr=sr, hr=hr: metric(sr, hr), device, PROTOCOL).median  # type: ignore[misc]
        rows.append((f"SSIM, batch {batch}", 1e3 * seconds / batch, "ms an image", f"{size} pixels, fp32"))
    return rows
