"""Reserve GPUs for a command: ``python -m osediff.common.gpu_lease [--gpus N] -- command ...`` (N is 1 by default).

Snakemake counts GPUs but does not assign them to jobs. Here each device has a lock file that a job holds while it runs;
the kernel frees it when the job ends or is killed. The locks separate the jobs of one user, not those of several users.

On a cluster the scheduler assigns the devices: those of CUDA_VISIBLE_DEVICES, as indices, UUIDs or MIG names. The locks
of such a job are its own, and only separate the commands that it runs at once.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from osediff.common.errors import InputError, run

# A variable that a scheduler sets in its jobs, and what gives a job a GPU.
SCHEDULERS = {
    "SLURM_JOB_ID": "Slurm gave this job no GPU: ask for `gpu=1` in the profile's resources",
    "PBS_JOBID": "PBS gave this job no GPU: ask for ngpus=1",
    "LSB_JOBID": "LSF gave this job no GPU: ask for -gpu num=1",
}
NONE = ("-1", "NoDevFiles", "none", "void")
LISTED = re.compile(r"^(GPU (?P<index>\d+):| +MIG ).*\(UUID: (?P<uuid>(GPU|MIG)-[^)]+)\)", re.MULTILINE)


def scheduled() -> str | None:
    """Return the variable of the scheduler that runs this job; None if there is none."""
    return next((name for name in SCHEDULERS if os.environ.get(name)), None)


def installed() -> dict[str, str]:
    """Return the UUID of each device that nvidia-smi lists, by index; of the parts of a GPU in MIG mode, by UUID."""
    if not shutil.which("nvidia-smi"):
        return {}
    try:
        answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        raise InputError("nvidia-smi does not answer within 60 s; is the driver well?") from None
    found: dict[str, str] = {}
    whole = ""
    for match in LISTED.finditer(answer.stdout):
        if match["index"]:
            whole = match["index"]
        else:
            found.pop(whole, None)  # CUDA uses its parts
        found[match["index"] or match["uuid"]] = match["uuid"]
    return found


def devices() -> list[str]:
    """Return ids of the CUDA devices that this process may use; InputError when there are none."""
    allowed, scheduler = os.environ.get("CUDA_VISIBLE_DEVICES"), scheduled()
    if allowed is not None:
        devices = [device.strip() for device in allowed.split(",") if device.strip() and device.strip() not in NONE]
    else:
        devices = [] if scheduler else list(installed())
    if not devices:
        reason = SCHEDULERS[scheduler] if scheduler else "no CUDA device found (CUDA_VISIBLE_DEVICES, nvidia-smi)"
        raise InputError(f"{reason}; `device: cpu` does without")
    return devices


def check_private(folder: Path) -> None:
    """Raise InputError if another user may write in ``folder``, or it is a link: the locks would be theirs."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise InputError(f"{folder}: is not a folder of yours, and the locks of the GPUs belong there; remove it")
    folder.chmod(0o700)


def lock_name(device: str, known: Mapping[str, str]) -> str:
    """Return the name of a device's lock: one name, whether it is called by index, UUID or the start of its UUID."""
    uuids = [uuid for uuid in known.values() if uuid.startswith(device)] if not device.isdigit() else []
    return (known.get(device) or (uuids[0] if len(uuids) == 1 else device)).replace("/", "-")


def lease(candidates: list[str], folder: Path, count: int = 1, every: float = 1.0) -> dict[str, IO[bytes]]:
    """Wait for ``count`` free devices; return their open lock files by id, which hold them until they are closed.

    While it waits, it holds all devices or none, so that two jobs that wait for several devices cannot block each
    other.
    """
    if count > len(candidates):
        raise InputError(f"{count} GPUs are asked for, {len(candidates)} are here: {', '.join(candidates)}")
    folder.mkdir(mode=0o700, exist_ok=True)
    check_private(folder)
    known = {} if scheduled() else installed()
    announced = False
    while True:
        held: dict[str, IO[bytes]] = {}
        for device in candidates:
            path = folder / f"{lock_name(device, known)}.lock"
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            held[device] = file
            if len(held) == count:
                return held
        for taken in held.values():
            taken.close()
        if not announced:
            print(f"waiting for {count} of the GPUs {', '.join(candidates)}", file=sys.stderr, flush=True)
            announced = True
        time.sleep(every)


def main() -> None:
    """Command line: takes devices, then becomes the command, which keeps the locks until it ends."""
    arguments, count = sys.argv[1:], 1
    if arguments[:1] == ["--gpus"] and arguments[1:2] and arguments[1].isdigit():
        arguments, count = arguments[2:], int(arguments[1])
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        raise InputError("no command given; python -m osediff.common.gpu_lease -- command ...")
    # A scheduler has divided the devices already, and may call them 0, 1, ... in each of its jobs.
    job = os.environ.get(scheduled() or "", "").replace("/", "-")
    folder = Path(tempfile.gettempdir()) / "-".join(filter(None, ["gpu-leases", str(os.getuid()), job]))
    held = lease(devices(), folder, count)
    # The lock belongs to the open file, so the command inherits the file and with it the device.
    for file in held.values():
        os.set_inheritable(file.fileno(), True)
    os.execvpe(command[0], command, {**os.environ, "CUDA_VISIBLE_DEVICES": ",".join(held)})


if __name__ == "__main__":
    run(main)
