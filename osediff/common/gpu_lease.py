"""Reserve GPUs for a command: ``python -m osediff.common.gpu_lease [--gpus N] -- command ...`` (N is 1 by default).

Snakemake counts GPUs but does not assign them to jobs. Here each device has a lock file that a job holds while it runs;
the kernel frees it when the job ends or is killed. The locks separate the jobs of one user, not those of several users.
If a cluster has set CUDA_VISIBLE_DEVICES, only these devices are used.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from osediff.common.errors import InputError, run


def devices() -> list[str]:
    """Return ids of the CUDA devices that this process may use; InputError when there are none."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        devices = [device.strip() for device in allowed.split(",") if device.strip()]
    elif shutil.which("nvidia-smi"):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
        devices = [str(index) for index, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU"))]
    else:
        devices = []
    if not devices:
        raise InputError("no CUDA device found (CUDA_VISIBLE_DEVICES, nvidia-smi); `device: cpu` does without")
    return devices


def lease(candidates: list[str], folder: Path, count: int = 1, every: float = 1.0) -> dict[str, IO[bytes]]:
    """Wait for ``count`` free devices; return their open lock files by id, which hold them until they are closed.

    While it waits, it holds all devices or none, so that two jobs that wait for several devices cannot block each
    other.
    """
    if count > len(candidates):
        raise InputError(f"{count} GPUs are asked for, {len(candidates)} are here: {', '.join(candidates)}")
    folder.mkdir(exist_ok=True)
    announced = False
    while True:
        held: dict[str, IO[bytes]] = {}
        for device in candidates:
            file = (folder / f"{device.replace('/', '-')}.lock").open("ab")
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
    # Slurm has divided the devices already, and calls them 0, 1, ... in each of its jobs.
    folder = Path(tempfile.gettempdir()) / f"gpu-leases-{os.getuid()}{os.environ.get('SLURM_JOB_ID', '')}"
    held = lease(devices(), folder, count)
    # The lock belongs to the open file, so the command inherits the file and with it the device.
    for file in held.values():
        os.set_inheritable(file.fileno(), True)
    os.execvpe(command[0], command, {**os.environ, "CUDA_VISIBLE_DEVICES": ",".join(held)})


if __name__ == "__main__":
    run(main)
