"""Timing: what is measured, when it stops, what is recorded with it, and what cannot be timed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.complexity import timing
from osediff.common.errors import InputError
from tests.helpers import ROOT

PROTOCOL = {"warmup": 2, "runs": 20, "seconds": None, "statistic": "median"}


def test_a_known_time_is_measured() -> None:
    found = timing.measure(lambda: time.sleep(0.01), "cpu", PROTOCOL)
    assert (found["runs"], found["warmup"]) == (20, 2)
    assert 0.01 <= found["p5"] <= found["median"] <= found["p95"] and found["seconds"] == found["median"]


def test_the_statistic_is_the_protocols() -> None:
    waits = iter([0.0, 0.0, 0.05, 0.001, 0.001])
    found = timing.measure(lambda: time.sleep(next(waits)), "cpu", PROTOCOL | {"runs": 3, "statistic": "mean"})
    assert found["seconds"] == found["mean"] > 5 * found["median"]


def test_runs_end_after_so_many_seconds() -> None:
    begun = time.perf_counter()
    found = timing.measure(lambda: time.sleep(0.02), "cpu", PROTOCOL | {"runs": None, "seconds": 0.2})
    assert 2 <= found["runs"] <= 11 and time.perf_counter() - begun < 5


def test_warm_up_lasts_until_calls_agree() -> None:
    waits = iter([0.2, 0.1, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04])
    assert 5 <= len(timing.warm(lambda: time.sleep(next(waits)), "cpu", "stable")) <= 8


def test_warm_up_of_slow_calls_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "timed", lambda call, device: call())
    waits = iter([50.0, 40.0, 30.0, 20.0])
    assert timing.warm(lambda: next(waits), "cpu", "stable") == [50.0, 40.0]


def command(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "benchmark.complexity.timing", "--out", str(out), *options]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)


def spec(function: str) -> str:
    pipeline = f"tests.benchmark.test_timing:{function}"
    return json.dumps({"title": "One", "steps": 1, "pipeline": pipeline, "options": {}})


def quick(size: int, batch: int, device: str, precision: str, includes: list[str]) -> tuple[Any, str]:
    """A pipeline that does next to nothing."""
    return lambda: torch.zeros(size, batch), f"{includes[0]} in {precision}"


def endless(size: int, batch: int, device: str, precision: str, includes: list[str]) -> tuple[Any, str]:
    """A pipeline that no memory is enough for."""

    def fail() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    return fail, "nothing"


def test_a_time_is_recorded_with_what_it_depends_on(tmp_path: Path) -> None:
    done = command(tmp_path / "t.json", "--spec", spec("quick"), "--size", "64", "--dtype", "bf16", "--threads", "1")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "t.json").read_text())
    assert (found["size"], found["batch"], found["precision"], found["protocol"]) == (64, 1, "bf16", "plain")
    assert found["includes"] == "enlargement in bf16" and found["runs"] == 50 and found["threads"] == 1
    assert found["torch"] == torch.__version__ and "1 thread" in found["device"] and found["peak_memory"] > 2**20


def test_out_of_memory_is_a_result(tmp_path: Path) -> None:
    done = command(tmp_path / "t.json", "--spec", spec("endless"), "--size", "4096")
    assert done.returncode == 0 and "One: out of memory at 4096 pixels, batch 1" in done.stderr
    assert json.loads((tmp_path / "t.json").read_text())["failed"] == "out of memory at 4096 pixels, batch 1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "osedif"], "unknown method 'osedif', did you mean osediff?"),
        (["--method", "osediff-demo", "--protocol", "author"], "unknown protocol 'author', did you mean authors?"),
        (["--method", "osediff-demo", "--dtype", "fp8"], "unknown dtype 'fp8'"),
        (
            ["--method", "osediff-demo", "--size", "100"],
            "of 100 pixels a side: the networks take multiples of",
        ),
        (["--method", "osediff-demo", "--device", "cuda"], "no GPU here"),
        (["--spec", spec("nothing")], "nothing to time: tests.benchmark.test_timing:nothing cannot be loaded"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    if "cuda" in options and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    done = command(tmp_path / "t.json", *options)
    assert done.returncode == 2 and not (tmp_path / "t.json").exists()
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said in line and "Traceback" not in done.stderr


def broken(size: int, batch: int, device: str, precision: str, includes: list[str]) -> tuple[Any, str]:
    """A pipeline of code that does not work."""
    raise KeyError("odd")


def test_code_that_breaks_is_an_error_or_on_demand_a_row(tmp_path: Path) -> None:
    out = tmp_path / "t.json"
    assert command(out, "--spec", spec("broken")).returncode != 0 and not out.exists()
    done = command(out, "--spec", spec("broken"), "--contain")
    assert done.returncode == 0 and json.loads(out.read_text())["failed"] == "KeyError: 'odd'"


@pytest.mark.parametrize(("protocol", "has", "lacks"), [("whole", "files", ""), ("plain", "color fix", "files")])
def test_a_protocol_says_what_it_includes(tmp_path: Path, protocol: str, has: str, lacks: str) -> None:
    options = ["--method", "osediff-demo", "--protocol", protocol, "--size", "64", "--threads", "1"]
    done = command(tmp_path / "t.json", *options)
    assert done.returncode == 0, done.stderr
    within, _, without = json.loads((tmp_path / "t.json").read_text())["includes"].partition("; without ")
    assert has in within and lacks in without and "prompt extraction" in without  # the demo has none


def test_a_missing_pipeline_is_named() -> None:
    with pytest.raises(InputError, match="nothing to time"):
        timing.loader("nowhere:run")
