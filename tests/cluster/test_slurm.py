"""The demo through profiles/slurm on a real Slurm: the bytes of a local run, also where jobs are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.flow import PROFILE, results, running, wait_until
from tests.cluster.slurm import GPUS, Slurm
from tests.helpers import ROOT
from tests.workflow.repository_copy import TRAINED, Workflow

pytestmark = pytest.mark.cluster

IMAGE = "runs/demo/restore/fake/demo-synthetic/.progress/chelsea-0.png"


def test_a_partition_that_is_not_there_is_one_line_and_nothing_is_submitted(slurm: Slurm, unfinished: Workflow) -> None:
    unfinished.environment |= slurm.environment
    resources = ("--default-resources", "slurm_partition=gpuu", "runtime=10", "mem_mb=1000")
    code, output = unfinished.run_by_itself(*PROFILE, *resources)
    assert code != 0
    assert "error: slurm_partition: gpuu: no such partition, Slurm has main; correct profiles/slurm" in output
    assert "Traceback" not in output and "has been submitted" not in output


def test_counts_of_networks_are_one_job_of_slurm(slurm: Slurm, unfinished: Workflow) -> None:
    unfinished.environment |= slurm.environment
    counts = [f"runs/complexity/{name}.json" for name in ("osediff", "osediff-demo")]
    code, output = unfinished.run_by_itself(*counts, *PROFILE)
    assert code == 0, output
    assert all((unfinished.folder / name).is_file() for name in counts)
    assert output.count("has been submitted with SLURM jobid") == 1, output


def test_killed_jobs_go_on_and_the_results_are_those_of_a_local_run(
    slurm: Slurm, unfinished: Workflow, local: Workflow, tmp_path: Path
) -> None:
    folder = unfinished.folder
    (folder / "given" / "does").write_text("hang coffee-0")
    unfinished.environment |= slurm.environment
    state, image = folder / TRAINED / "state" / "state.pt", folder / IMAGE
    minutes = ("--retries", "4", "--set-resources", "restore_baseline:runtime=attempt")
    with running(unfinished, tmp_path / "output", *PROFILE, *minutes) as run:
        wait_until(state.exists, run)
        (training,) = slurm.running("rule_train_")
        slurm.command("scancel", training)
        # The baseline has a minute, and hangs at its second image until that is over.
        wait_until(image.exists, run)
        made = image.stat().st_mtime_ns
        (folder / "given" / "does").write_text("well")
        code = run.wait()
    output = (tmp_path / "output").read_text()
    assert code == 0, output
    assert "CANCELLED" in output and "TIMEOUT" in output, output
    assert image.stat().st_mtime_ns == made
    assert results(unfinished) == results(local)
    assert len(results(local)) > 20


def test_two_jobs_hold_different_devices(slurm: Slurm, tmp_path: Path) -> None:
    """Each job waits until the other one has written its device, so both run at the same time."""
    (tmp_path / "hold.sh").write_text(
        "echo $CUDA_VISIBLE_DEVICES > held.$1\n"
        "until [ -s held.one ] && [ -s held.two ]; do sleep 0.1; done\ncp held.$1 $1\n"
    )
    lease = f"PYTHONPATH={ROOT} {sys.executable} -m osediff.common.gpu_lease -- sh hold.sh"
    (tmp_path / "Snakefile").write_text(
        "rule both:\n    input: 'one', 'two'\n"
        "rule hold:\n    output: '{name}'\n    wildcard_constraints: name='one|two'\n    resources: gpu=1\n"
        f"    shell: '{lease} {{output}}'\n"
    )
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", str(ROOT / "profiles" / "slurm")]
    command += ["--slurm-init-seconds-before-status-checks", "5", "--default-resources", "runtime=10", "mem_mb=1000"]
    done = subprocess.run(
        command, cwd=tmp_path, env=slurm.environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr
    assert {(tmp_path / name).read_text().strip() for name in ("one", "two")} == {str(n) for n in range(len(GPUS))}
