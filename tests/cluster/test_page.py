"""The blocks of docs/cluster.md that a shell runs, as they are written; the plan is of the true paper preset."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import textwrap
import venv
from argparse import ArgumentParser
from pathlib import Path

import pytest
from torch.distributed.run import get_args_parser

from osediff import train
from tests.helpers import ROOT
from tests.workflow.repository_copy import copy_repository

pytestmark = pytest.mark.cluster

PAGE = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"^ *```bash\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)]
STAND_IN = """#!/bin/sh
if [ "$1" = show ]; then echo first; echo second; else shift; printf '%s\\n' "$@" > "$WORDS"; fi
"""


def run_by_bash(block: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a block in a folder; return what it prints."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}"
    return done.stdout


def test_the_way_from_the_login_node_to_the_plan(tmp_path: Path) -> None:
    """The environment exists already, so that the first line makes none; the plugin is installed into it."""
    copy = tmp_path / "repository"
    copy_repository(copy)
    for name in ("bench.py", "requirements.txt"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    venv.create(copy / ".venv", symlinks=True)
    (own,) = (copy / ".venv").glob("lib/*/site-packages")
    (own / "everything.pth").write_text(sysconfig.get_path("purelib"))
    (copy / ".venv/finished").write_text(hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest())
    login, start, _ = BLOCKS
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)  # where the plugin lies already, for the other tests
    run_by_bash(login, copy, environment)
    assert (own / "snakemake_executor_plugin_slurm").is_dir()
    look, run = start.splitlines()
    assert look.replace(" -n ", " ") == run  # the profile's jobs run in test_slurm.py
    plan = run_by_bash(look, copy, environment)
    assert int(re.findall(r"^restore_baseline +(\d+)", plan, re.MULTILINE)[0]) > 200


def test_the_training_on_several_nodes_is_one_that_the_programs_take(tmp_path: Path) -> None:
    *_, block = BLOCKS
    for name in ("scontrol", "srun"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    words = tmp_path / "words"
    variables = {"SLURM_JOB_NODELIST": "n[1-2]", "SLURM_NNODES": "2", "SLURM_JOB_ID": "7", "WORDS": str(words)}
    run_by_bash(block, tmp_path, os.environ | variables | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"})
    options = get_args_parser().parse_args(words.read_text().splitlines())
    assert (options.nnodes, options.nproc_per_node, options.rdzv_endpoint) == ("2", "4", "first:29400")
    assert options.training_script == "osediff.train" and options.module
    parser = ArgumentParser()
    train.add_options(parser)
    assert parser.parse_args(options.training_script_args).spec == Path(
        "runs/paper/specs/train/osediff/paper/0/spec.yaml"
    )
    (header,) = [line for line in block.splitlines() if line.startswith("#SBATCH")]
    assert "--nodes=2" in shlex.split(header) and "--gpus-per-node=4" in shlex.split(header)
