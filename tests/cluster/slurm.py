"""A real Slurm on this machine: controller, node daemon and munge, in one folder, with two GPUs that do not exist."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "munged")
START_SECONDS = 120
CONFIGURED = Path("/etc/slurm")  # the plugin removes SLURM_CONF from the environment of jobs
# GPUs are device files; these exist everywhere and nothing opens them.
GPUS = ("/dev/zero", "/dev/full")

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
MailProg=/bin/true
SchedulerParameters=sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
SlurmctldTimeout=600
SlurmdTimeout=600
KillWait=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=400000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Return the programs of Slurm and munge that are not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [name for name in PROGRAMS if not shutil.which(name, path=path)]


def why_not() -> str:
    """Return in one line why no Slurm can be started here; empty if it can."""
    if missing := missing_programs():
        return f"not installed: {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)"
    if (CONFIGURED / "slurm.conf").exists():
        return f"{CONFIGURED}/slurm.conf exists: this machine belongs to a cluster"
    return "" if os.geteuid() == 0 else f"only root can write {CONFIGURED}"


@contextmanager
def configured(folder: Path) -> Iterator[None]:
    """Let Slurm find its configuration in ``folder``, for the block."""
    CONFIGURED.mkdir(exist_ok=True)
    links = [CONFIGURED / name for name in ("slurm.conf", "gres.conf")]
    try:
        for link in links:
            link.unlink(missing_ok=True)  # of a run that was killed
            link.symlink_to(folder / link.name)
        yield
    finally:
        for link in links:
            link.unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    """Return TCP ports that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Slurm:
    """Commands of a running Slurm."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"PATH": f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin"}

    def command(self, *arguments: str) -> str:
        """Return the output of a command of Slurm."""
        done = subprocess.run(
            arguments, env=self.environment, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def running(self, name: str) -> list[str]:
        """Return the ids of the running jobs whose comment, which Snakemake gives them, contains ``name``."""
        lines = self.command("squeue", "--noheader", "--states=RUNNING", "--format=%i %k").splitlines()
        return [line.split()[0] for line in lines if name in line]

    def started(self) -> bool:
        """Return whether the node takes jobs."""
        done = subprocess.run(
            ["sinfo", "--noheader", "--format=%t"], env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() in ("idle", "mix")


@contextmanager
def daemon(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """Run a daemon in the foreground of a process of ours, and end it after the block."""
    with log.open("w") as file, subprocess.Popen(command, env=environment, stdout=file, stderr=file) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(START_SECONDS)


@contextmanager
def start_slurm(folder: Path, unseen: Path | None = None) -> Iterator[Slurm]:
    """Start Slurm with everything that it writes in ``folder``; its node does not see into ``unseen``."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    host = socket.gethostname().split(".")[0]
    controller_port, node_port = free_ports(2)
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(
            host=host,
            controller_port=controller_port,
            node_port=node_port,
            folder=folder,
            gpus=len(GPUS),
        )
    )
    (folder / "gres.conf").write_text("".join(f"NodeName={host} Name=gpu File={gpu}\n" for gpu in GPUS))
    slurm = Slurm(folder)
    munge = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}"]
    munge += [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")]
    node = ["slurmd", "-D"]
    if unseen:  # an empty file system lies over it, in a view of the files that only this daemon and its jobs have
        node = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec slurmd -D', str(unseen)]
    with ExitStack() as stack:
        stack.enter_context(configured(folder))
        for name, command in (("munged", munge), ("slurmctld", ["slurmctld", "-D"]), ("slurmd", node)):
            stack.enter_context(daemon(command, slurm.environment, folder / f"{name}.out"))
        deadline = time.monotonic() + START_SECONDS
        while not slurm.started():
            assert time.monotonic() < deadline, "\n".join(log.read_text() for log in folder.glob("*.out"))
            time.sleep(0.5)
        yield slurm
