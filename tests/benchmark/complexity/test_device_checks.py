"""Checks of a device, on a CPU: leases that exclude each other, and the time of an evaluation in batches."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest

from benchmark.complexity import device_checks
from osediff.common.errors import InputError


@pytest.mark.slow
def test_devices_are_leased_to_one_job_at_a_time() -> None:
    ((_, jobs, _, note),) = device_checks.check_lease("cpu")
    assert jobs == 4 and note.startswith("2 devices")


class Overlapping:
    """In place of a process: a job that holds the one device as long as all others do."""

    returncode = 0

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def communicate(self, timeout: float) -> tuple[str, str]:
        return "gpu-0 10.0 11.0\n", ""


class Failing(Overlapping):
    """A job that ends with an error."""

    returncode = 1

    def communicate(self, timeout: float) -> tuple[str, str]:
        return "", "some lines\nno such device\n"


def test_two_jobs_on_one_device_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", Overlapping)
    with pytest.raises(InputError, match="6 pairs of jobs had one device at the same time: gpu-0"):
        device_checks.check_lease("cpu")
    monkeypatch.setattr(subprocess, "Popen", Failing)
    with pytest.raises(InputError, match="a leased job failed: no such device"):
        device_checks.check_lease("cpu")


def test_jobs_that_do_not_end_are_ended_with_what_they_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []

    def start(command: list[str], **options: Any) -> subprocess.Popen[str]:
        started.append(start_process(["sh", "-c", "sleep 1000 & wait"], **options))
        return started[-1]

    start_process = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(device_checks, "SECONDS", 0)
    with pytest.raises(InputError, match="did not end within 0 s"):
        device_checks.check_lease("cpu")
    assert [job.returncode for job in started] == [-signal.SIGKILL] * 4  # and nothing holds their pipes


@pytest.mark.slow
def test_evaluation_is_timed_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyiqa")
    monkeypatch.setattr(device_checks, "BATCHES", (1, 2))
    monkeypatch.setattr(device_checks, "PROTOCOL", device_checks.PROTOCOL.model_copy(update={"warmup": 0, "runs": 2}))
    rows = device_checks.time_evaluation(32, "cpu")
    assert [row[0] for row in rows] == ["SSIM, batch 1", "SSIM, batch 2"] and all(row[1] > 0 for row in rows)
