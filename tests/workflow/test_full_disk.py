"""A full disk below what a plan writes: one line of ours, and with room the same command goes on."""

from __future__ import annotations

import shutil

import pytest

from tests.faults.disks import resize, small_disk
from tests.workflow.repository_copy import Workflow


@pytest.mark.parametrize(
    ("name", "place", "what"),
    [
        (".snakemake", ".snakemake", "the disk has "),
        ("runs", "runs", "the disk has "),
        ("runs/specs", "runs/specs/code/", "No space left on device; "),
    ],
)
def test_a_full_disk_is_one_line(fresh: Workflow, name: str, place: str, what: str) -> None:
    shutil.rmtree(fresh.folder / "runs" / "specs", ignore_errors=True)  # another test may have planned here
    folder = fresh.folder / name
    with small_disk(folder, kilobytes=4) as allowed:
        if not allowed:
            pytest.skip("this system mounts nothing for us")
        code, output = fresh.dry_run("results/table1.csv")
        assert code != 0 and "Traceback" not in output
        last = output.strip().splitlines()[-1]
        assert last.startswith(f"error: {place}") and what in last and "make room and repeat" in last
        resize(folder, 1 << 20)
        code, output = fresh.dry_run("results/table1.csv")
        assert code == 0, output
