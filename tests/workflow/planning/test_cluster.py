"""Partitions that do not exist, and jobs that never began: one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from workflow.planning import cluster

SUBMITTED = "Job {0} has been submitted with SLURM jobid {0} (log: {1}).\n"
FAILED = "    log: runs/logs/rule.log, {0} (check log file(s) for error details)\n"


def answer(program: Path, text: str) -> None:
    """Let ``sinfo`` be this shell script."""
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_a_partition_that_is_not_there_is_named_beside_those_that_are(sinfo: Path) -> None:
    answer(sinfo, "echo gpu; echo long; echo gpu")
    cluster.check_partitions(["gpu", None, "gpu,long"])
    with pytest.raises(InputError, match=r"slurm_partition: gpuu: no such partition, Slurm has gpu, long; correct"):
        cluster.check_partitions(["gpu,gpuu"])


def test_a_slurm_that_does_not_answer_is_one_line(sinfo: Path) -> None:
    cluster.check_partitions([None])  # the cluster's default: nothing to ask for
    with pytest.raises(InputError, match="no command sinfo, so Slurm is not here; start the run on a login node"):
        cluster.check_partitions(["gpu"])
    answer(sinfo, "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(
        InputError, match=r"does not answer \(slurm_load_partitions: Unable to contact .*\); nothing was"
    ):
        cluster.check_partitions(["gpu"])


def test_jobs_that_never_began_are_one_line_and_others_are_left_to_their_logs(tmp_path: Path) -> None:
    logs = {number: tmp_path / f"{number}.log" for number in "1234"}
    logs["2"].write_text("\n/bin/sh: 1: /shared/.venv/bin/python: not found\n")
    logs["3"].write_text("Building DAG of jobs...\nerror: photo.png: is damaged\n")
    output = "".join(SUBMITTED.format(number, log) for number, log in logs.items())
    (line,) = cluster.explain(output + "".join(FAILED.format(logs[number]) for number in "12231"), Path("/shared"))
    assert line.startswith("error: Slurm jobs that ended before they began: 2, such as 1 (it left no log): each was")
    (line,) = cluster.explain(output + FAILED.format(logs["2"]), Path("/shared"))
    assert "(/bin/sh: 1: /shared/.venv/bin/python: not found)" in line
    assert cluster.explain(output + FAILED.format(logs["3"]), Path("/shared")) == []
