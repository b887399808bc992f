"""Timing: what is measured, when it stops, what is recorded with it, and what cannot be timed."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.complexity import timing
from benchmark.complexity.records import Timing, read_record
from benchmark.complexity.specs import TimingProtocol, TimingSpec
from osediff.common.errors import InputError
from osediff.common.settings import write
from tests.benchmark.rows import command

PROTOCOL = TimingProtocol(
    includes=("upsampling", "color fix"),
    precision="fp32",
    batch=1,
    warmup=2,
    runs=20,
    seconds=None,
    statistic="median",
)


def test_known_times_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock advances only during a call: by 1 s in the first, by 22 s in the last; the first two are warm-up."""
    now, durations = 0.0, itertools.count(1)

    def call() -> None:
        nonlocal now
        now += next(durations)

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    times = timing.measure(call, "cpu", PROTOCOL)
    assert (times.runs, times.warmup) == (20, 2)
    assert (times.p5, times.median, times.p95) == pytest.approx((3.95, 12.5, 21.05))
    assert times.seconds == times.median


def test_the_statistic_is_the_protocols(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([9.0, 9.0, 5.0, 1.0, 3.0, 1.0])
    monkeypatch.setattr(timing, "time_call", lambda call, device: next(seconds))
    protocol = PROTOCOL.model_copy(update={"runs": 4, "statistic": "mean"})
    times = timing.measure(lambda: None, "cpu", protocol)
    assert (times.seconds, times.mean, times.median) == (2.5, 2.5, 2.0)


def test_runs_end_after_so_many_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(timing, "time_call", lambda call, device: 1.0)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    protocol = PROTOCOL.model_copy(update={"runs": None, "seconds": 5.0})
    assert timing.measure(lambda: None, "cpu", protocol).runs == 5


def test_warm_up_lasts_until_calls_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.2, 0.1, 0.04, 0.041, 0.0405, 0.04])
    monkeypatch.setattr(timing, "time_call", lambda call, device: next(seconds))
    assert timing.warm_up(lambda: None, "cpu", "stable") == [0.2, 0.1, 0.04, 0.041, 0.0405]


def test_warm_up_of_slow_calls_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([50.0, 40.0, 30.0, 20.0])
    monkeypatch.setattr(timing, "time_call", lambda call, device: next(seconds))
    assert timing.warm_up(lambda: None, "cpu", "stable") == [50.0, 40.0]


def quick(size: int, batch: int, device: str, protocol: TimingProtocol) -> tuple[Any, str]:
    """A run that does next to nothing."""
    return lambda: torch.zeros(size, batch), f"{protocol.includes[0]} in {protocol.precision}"


def endless(size: int, batch: int, device: str, protocol: TimingProtocol) -> tuple[Any, str]:
    """A run that no memory is enough for."""

    def fail() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    return fail, "nothing"


def broken(size: int, batch: int, device: str, protocol: TimingProtocol) -> tuple[Any, str]:
    """Code that does not work."""
    raise KeyError("odd")


def spec(function: str, size: int = 64, contain: bool = False) -> TimingSpec:
    return TimingSpec(
        title="One",
        steps=1,
        size=size,
        pipeline=f"{__name__}:{function}",
        options={},
        protocol="plain",
        settings=PROTOCOL,
        precision="fp32",
        contain=contain,
    )


def run(folder: Path, settings: TimingSpec, *options: str) -> None:
    """The command, in this process."""
    write(folder / "spec.yaml", settings)
    command(timing.main, "--spec", folder / "spec.yaml", "--out", folder / "t.json", *options)


def test_a_time_is_recorded_with_what_it_depends_on(tmp_path: Path) -> None:
    run(tmp_path, spec("quick"), "--threads", "1")
    record = read_record(tmp_path / "t.json", Timing)
    assert (record.size, record.batch, record.precision, record.protocol) == (64, 1, "fp32", "plain")
    assert record.includes == "upsampling in fp32" and record.times and record.times.runs == 20
    assert record.machine.torch == torch.__version__ and "1 thread" in record.machine.device
    assert record.peak_memory > 2**20 and not record.compiled


def test_out_of_memory_is_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    record = timing.time_method(spec("endless", 4096), "cpu")
    assert record.failed == "out of memory at 4096 pixels, batch 1" and record.times is None
    assert "One: out of memory at 4096 pixels, batch 1" in capsys.readouterr().err


def test_code_that_breaks_is_an_error_or_on_demand_a_record() -> None:
    with pytest.raises(KeyError):
        timing.time_method(spec("broken"), "cpu")
    assert timing.time_method(spec("broken", contain=True), "cpu").failed == "KeyError: 'odd'"


def test_a_pipeline_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="test_timing:nothing cannot be loaded"):
        run(tmp_path, spec("nothing", contain=True))
    assert not (tmp_path / "t.json").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_here_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no GPU here"):
        run(tmp_path, spec("quick"), "--device", "cuda")
