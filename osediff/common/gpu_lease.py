"""Reserve GPUs for a command: ``python -m osediff.common.gpu_lease [--gpus N] -- command ...`` (N is 1 by default).

Snakemake counts GPUs but does not assign them to jobs. Here each device has a lock file that a job holds while it runs;
the kernel frees it when the job ends or is killed. The locks separate the jobs of one user, not those of several users.
If a cluster has set CUDA_VISIBLE_DEVICES, only these devices are used.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
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
        try:
            answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=60)
        except subprocess.TimeoutExpired:
            raise InputError("nvidia-smi does not answer within 60 s; is the driver well?") from None
        lines = [line for line in answer.stdout.splitlines() if line.startswith("GPU")]
        devices = [str(index) for index in range(len(lines))]
    else:
        devices = []
    if not devices:
        raise InputError("no CUDA device found (CUDA_VISIBLE_DEVICES, nvidia-smi); `device: cpu` does without")
    return devices


def check_private(folder: Path) -> None:
    """Raise InputError if another user may write in ``folder``, or it is a link: the locks would be theirs."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise InputError(f"{folder}: is not a folder of yours, and the locks of the GPUs belong there; remove it")
    folder.chmod(0o700)


def lease(candidates: list[str], folder: Path, count: int = 1, every: float = 1.0) -> dict[str, IO[bytes]]:
    """Wait for ``count`` free devices; return their open lock files by id, which hold them until they are closed.

    While it waits, it holds all devices or none, so that two jobs that wait for several devices cannot block each
    other.
    """
    if count > len(candidates):
        raise InputError(f"{count} GPUs are asked for, {len(candidates)} are here: {', '.join(candidates)}")
    folder.mkdir(mode=0o700, exist_ok=True)
    check_private(folder)
    announced = False
    while True:
        held: dict[str, IO[bytes]] = {}
        for device in candidates:
            path = folder / f"{device.replace('/', '-')}.lock"
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
    # Slurm has divided the devices already, and calls them 0, 1, ... in each of its jobs.
    folder = Path(tempfile.gettempdir()) / f"gpu-leases-{os.getuid()}{os.environ.get('SLURM_JOB_ID', '')}"
    held = lease(devices(), folder, count)
    # The lock belongs to the open file, so the command inherits the file and with it the device.
    for file in held.values():
        os.set_inheritable(file.fileno(), True)
    os.execvpe(command[0], command, {**os.environ, "CUDA_VISIBLE_DEVICES": ",".join(held)})


if __name__ == "__main__":
    run(main)
