"""Records of counts and times: written and read again, and what is no record."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.complexity.records import (
    Distribution,
    Machine,
    MethodCount,
    ModuleCount,
    Timing,
    read_record,
    write_record,
)
from osediff.common.errors import InputError

COUNT = MethodCount(
    title="One",
    steps=1,
    size=512,
    merged=(
        ModuleCount(
            name="UNet",
            calls=1,
            macs=7,
            attention_macs=2,
            parameters=5,
            trainable_parameters=1,
            uncounted={"aten::x": 2},
        ),
    ),
)
TIMING = Timing(
    title="One",
    steps=1,
    size=512,
    batch=1,
    precision=None,
    compiled=False,
    protocol="strict",
    machine=Machine(device="CPU, 1 thread", torch="2", threads=1),
    times=Distribution(seconds=0.5, median=0.5, mean=0.6, p5=0.4, p95=0.9, runs=20, warmup=2),
)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path / "count.json", COUNT)
    write_record(tmp_path / "time.json", TIMING)
    assert read_record(tmp_path / "count.json", MethodCount) == COUNT
    assert read_record(tmp_path / "time.json", Timing) == TIMING


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(InputError, match=r"t\.json: key 'title' is missing"):
        read_record(tmp_path / "t.json", Timing)
    write_record(tmp_path / "count.json", COUNT)
    with pytest.raises(InputError, match=r"count\.json: "):
        read_record(tmp_path / "count.json", Timing)
