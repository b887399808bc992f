"""One command from a fresh clone to results. Needs Python 3.11 with pip, nothing else.

    python3 bench.py results/table1.csv     set up .venv once, then run `snakemake --cores all results/table1.csv` in it
    python3 bench.py [snakemake arguments]  any target, or none for everything; `-n` says what would run
    python3 bench.py doctor --preset paper  which step of docs/paper-walk.md is done, what is missing, the next command
    python3 bench.py test [pytest arguments]  run the tests on all cores; `-m "not slow"` leaves the slow ones out

Inside the environment (`source .venv/bin/activate`) plain `snakemake --cores all results/table1.csv` is the same thing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements.txt"
VERSION = (3, 11)
OPTIONS = ["--require-hashes", "--no-deps", "-r"]
STOP_SECONDS = 10  # time for an installer to end by itself
INSTALL_SECONDS = 4 * 3600  # for one step of the installation, which takes minutes
ASK_SECONDS = 600  # for a question to an interpreter, which takes a second
POLL_SECONDS = 0.1

received: list[int] = []  # signals that ask to stop; they are only stored, so that every started step is ended


def stop(message: str, code: int = 2) -> NoReturn:
    """End with one line on stderr."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


def stop_if_asked() -> None:
    """End with one line when the user or the system asked for it."""
    if received:
        stop("stopped; the same command sets up .venv again", 128 + received[0])


def find_python() -> str:
    """Return a Python of the pinned version: this one, or python3.11 on PATH."""
    if sys.version_info[:2] == VERSION:
        return sys.executable
    path = shutil.which("python3.11")
    if not path:
        stop(f"this is Python {sys.version_info[0]}.{sys.version_info[1]}; the pinned packages need 3.11: install it")
    return path


def ask(interpreter: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run a line of Python in an interpreter, for its exit code and output."""
    try:
        return subprocess.run(
            [interpreter, "-c", code], capture_output=True, text=True, check=False, timeout=ASK_SECONDS
        )
    except subprocess.TimeoutExpired:
        stop(f"{interpreter} did not answer within {ASK_SECONDS} s; the same command tries again")


def can_import(interpreter: str, module: str) -> bool:
    """Return whether an interpreter has a module."""
    return ask(interpreter, f"import {module}").returncode == 0


def call(command: list[str], lock: int) -> int:
    """Run a step of the installation and return its exit code.

    The step inherits the lock, which is therefore held as long as the step runs, even if this process is killed. The
    step has a separate process group, which is ended with this process, or after INSTALL_SECONDS.
    """
    until = time.monotonic() + INSTALL_SECONDS
    with subprocess.Popen(command, pass_fds=[lock], start_new_session=True) as process:
        while process.poll() is None and not received and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        if process.returncode is None:
            end(process)
    stop_if_asked()
    if time.monotonic() >= until:
        stop(f"{' '.join(command[:4])} ... did not end within {INSTALL_SECONDS} s; the same command tries again")
    return process.returncode


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all processes that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def take_lock(lock: int) -> None:
    """Take the lock of .venv; wait while another process holds it."""
    waiting = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waiting:
                print("Another process is setting up .venv; waiting for it.", flush=True)
            waiting = True
            stop_if_asked()
            time.sleep(POLL_SECONDS)
        else:
            return


def find_pip(interpreter: str) -> list[str]:
    """Return the command that runs pip for .venv.

    Debian's Python comes without ensurepip. Then its own pip, run by the Python of .venv, installs into .venv.
    """
    inside = can_import(str(VENV / "bin/python"), "pip")
    if inside:
        return [str(VENV / "bin/python"), "-m", "pip"]
    located = ask(interpreter, "import pip; print(pip.__path__[0])")
    if located.returncode:
        stop(f"{interpreter} has neither pip nor ensurepip; install pip (Debian: apt install python3-pip)")
    return [str(VENV / "bin/python"), located.stdout.strip()]


def install(interpreter: str, lock: int) -> None:
    """Make .venv and install every pinned package. An incomplete .venv is made again from the start."""
    print("Setting up .venv, once: 190 packages, 3.5 GB to download, 7 GB on disk; 1 to 15 minutes.", flush=True)
    with_pip = [] if can_import(interpreter, "ensurepip") else ["--without-pip"]
    if call([interpreter, "-m", "venv", "--clear", *with_pip, str(VENV)], lock):
        stop(f"{interpreter} cannot make {VENV} (see above)")
    pip = [*find_pip(interpreter), "install", "--disable-pip-version-check"]
    if install_by_uv(pip, lock):
        return
    # uv does not read pip's configuration and does not exist for every system; pip is slower, but always available.
    print("Installing by pip instead of uv.", flush=True)
    if code := call([*pip, *OPTIONS, str(REQUIREMENTS)], lock):
        stop(f"setting up .venv failed (exit code {code}, see above); the same command tries again")


def install_by_uv(pip: list[str], lock: int) -> bool:
    """Install uv by pip and everything else by uv, which takes a fraction of pip's time; return whether that worked."""
    pinned = re.search(r"^uv==.*\n(?:[ \t].*\n)*", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if not pinned:
        return False
    uv_requirement = VENV / "uv.txt"
    uv_requirement.write_text(pinned[0], encoding="utf-8")
    if call([*pip, "--quiet", *OPTIONS, str(uv_requirement)], lock):
        return False
    python = str(VENV / "bin/python")
    return call([python, "-m", "uv", "pip", "install", "--python", python, *OPTIONS, str(REQUIREMENTS)], lock) == 0


def ensure_environment() -> None:
    """Set up .venv unless it is complete for these requirements; only one process at a time does so."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    mark = VENV / "finished"
    with (ROOT / ".venv.lock").open("w") as lock:
        take_lock(lock.fileno())
        if mark.exists() and mark.read_text() == wanted:
            return
        install(find_python(), lock.fileno())
        mark.write_text(wanted)
        print("The environment is ready.", flush=True)


def check_command_line(arguments: list[str], environment: dict[str, str]) -> None:
    """End with one line for a --configfile that is none, and for a profile whose executor is not installed."""
    if any(argument.startswith(("--config", "-C", "--workflow-profile", "--profile")) for argument in arguments):
        command = [str(VENV / "bin/python"), "-m", "workflow.planning.command_line", *arguments]
        if code := subprocess.run(command, env=environment, check=False).returncode:
            sys.exit(code)


def main() -> None:
    """Set up the environment if necessary, then become snakemake, pytest or the doctor."""
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return
    stops = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, lambda caught, _: received.append(caught)) for number in stops}
    try:
        ensure_environment()
    except OSError as error:
        stop(f"{error.filename or ROOT}: {error.strerror}")
    for number, handler in handlers.items():
        signal.signal(number, handler)
    stop_if_asked()
    os.chdir(ROOT)
    # The rules call `python`, which must be that of the environment; packages of other places would break the pins.
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    environment.update(VIRTUAL_ENV=str(VENV), PYTHONNOUSERSITE="1")
    if arguments[:1] == ["test"]:
        environment.setdefault("OMP_NUM_THREADS", "1")  # as many test processes as cores, so one thread for each
        module = ["pytest", "-n", str(len(os.sched_getaffinity(0))), *arguments[1:]]
    elif arguments[:1] == ["doctor"]:
        module = ["workflow.doctor", *arguments[1:]]
    else:
        module = ["snakemake", "--cores", "all", *arguments]
        check_command_line(arguments, environment)
    os.execve(VENV / "bin/python", [str(VENV / "bin/python"), "-m", *module], environment)


if __name__ == "__main__":
    main()
