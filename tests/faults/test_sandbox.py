"""The campaign reads the jobs of a plan, and spoils copies, never the demo itself."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults import mutations
from tests.faults.sandbox import SMALL, Job, copy_or_link, read_jobs

PLAN = """Building DAG of jobs...

[Mon Jan 1 10:00:00 2029]
rule evaluate:
    input: a.py, data/x/manifest.json
    output: runs/a b.csv
    log: runs/logs/a.log
    jobid: 3
Shell command: python -m benchmark.evaluate --sr 'runs/a b' --out 'runs/a b.csv' > runs/logs/a.log 2>&1

[Mon Jan 1 10:00:00 2029]
rule train:
    output: runs/t/adapters.safetensors, runs/t/log.jsonl
Shell command: python -m osediff.train --spec s.yaml --out runs/t 2>&1 | tee -i runs/logs/t.log

[Mon Jan 1 10:00:00 2029]
rule all:
    input: results/table1.csv
"""


def test_jobs_are_read_without_their_logs() -> None:
    words = ("-m", "benchmark.evaluate", "--sr", "runs/a b", "--out", "runs/a b.csv")
    assert list(read_jobs(PLAN)) == [
        Job("evaluate", words, ("runs/a b.csv",)),
        Job(
            "train",
            ("-m", "osediff.train", "--spec", "s.yaml", "--out", "runs/t"),
            ("runs/t/adapters.safetensors", "runs/t/log.jsonl"),
        ),
    ]


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_a_spoilt_copy_leaves_the_original(size: int, tmp_path: Path) -> None:
    original, copy = tmp_path / "a.bin", tmp_path / "b.bin"
    for mutation in mutations.ANY:
        original.write_bytes(b"x" * size)
        copy_or_link(str(original), str(copy))
        mutation(copy, random.Random(0))
        assert original.read_bytes() == b"x" * size, mutation.__name__
        if copy.is_dir() and not copy.is_symlink():
            copy.rmdir()
        else:
            copy.unlink(missing_ok=True)
