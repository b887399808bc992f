"""The disk of Snakemake's own state is full: one line of ours, and with room the same command goes on."""

from __future__ import annotations

import pytest

from tests.faults.disks import resize, small_disk
from tests.workflow.repository_copy import Workflow


def test_a_full_disk_of_snakemakes_state_is_one_line(fresh: Workflow) -> None:
    with small_disk(fresh.folder / ".snakemake", kilobytes=4) as allowed:
        if not allowed:
            pytest.skip("this system mounts nothing for us")
        code, output = fresh.dry_run("results/table1.csv")
        assert code != 0 and "Traceback" not in output
        last = output.strip().splitlines()[-1]
        assert last.startswith("error: .snakemake: the disk has ") and last.endswith("make room and repeat")
        resize(fresh.folder / ".snakemake", 1 << 20)
        code, output = fresh.dry_run("results/table1.csv")
        assert code == 0, output
