"""Check what a run on Slurm needs before jobs are submitted, and say why jobs failed that never began.

Slurm refuses a job in many lines, for every job again. A job whose node has neither this folder nor the environment
ends without a log of its rule. Both are one line here.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from osediff.common.errors import InputError

SUBMITTED = re.compile(r"has been submitted with SLURM jobid (\S+) \(log: (.+)\)\.")
FAILED = "(check log file(s) for error details)"  # the end of the line that names the logs of a failed job or group
BEGAN = "Building DAG of jobs"  # the first words of the Snakemake that Slurm starts for a job
PROFILE = "profiles/slurm/profile.yaml"


def partitions() -> list[str]:
    """Return the partitions of this cluster; InputError if Slurm is not here, or does not answer."""
    command = ["sinfo", "--all", "--noheader", "--format=%R"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        raise InputError("no command sinfo, so Slurm is not here; start the run on a login node") from None
    except subprocess.TimeoutExpired:
        raise InputError("sinfo does not answer within 60 s; is the controller of Slurm well?") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"Slurm does not answer ({reason}); nothing was submitted")
    return sorted(set(done.stdout.split()))


def check_partitions(asked: Iterable[str | None]) -> None:
    """Check that Slurm has the partitions that jobs ask for, where they ask for one; InputError if it does not."""
    wanted = {name for names in asked if names for name in names.split(",")}
    known = partitions() if wanted else []
    if missing := ", ".join(sorted(wanted - set(known))):
        raise InputError(
            f"slurm_partition: {missing}: no such partition, Slurm has {', '.join(known) or 'none'}; correct {PROFILE},"
            " or the command line"
        )


def explain(output: str, folder: Path) -> list[str]:
    """Return a line about the failed jobs that never began, or none: the logs of other jobs say why they failed.

    Args:
        output: all that Snakemake logged.
        folder: where Snakemake runs.
    """
    failed = "\n".join(line for line in output.splitlines() if line.endswith(FAILED))
    reasons = {}
    for job, log in SUBMITTED.findall(output):
        text = Path(log).read_text(errors="replace") if Path(log).is_file() else ""
        if log in failed and BEGAN not in text:
            reasons[job] = (text.strip().splitlines() or ["it left no log"])[-1]
    if not reasons:
        return []
    job, reason = next(iter(reasons.items()))
    return [
        f"error: Slurm jobs that ended before they began: {len(reasons)}, such as {job} ({reason}): each was"
        f" cancelled while it waited, or its node lacks {folder} or {sys.prefix}, which all nodes must share"
        " (docs/cluster.md); scontrol show job says more"
    ]
