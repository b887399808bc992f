"""One command from a fresh clone to results. Needs Python 3.11 with pip, nothing else.

    python3 bench.py results/table1.csv     makes .venv once, then runs `snakemake --cores all results/table1.csv` in it
    python3 bench.py [snakemake arguments]  any target, or none for everything; `-n` says what would run
    python3 bench.py test [pytest arguments]

Inside the environment (`source .venv/bin/activate`) plain `snakemake --cores all results/table1.csv` is the same thing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements.txt"
VERSION = (3, 11)


def stop(message: str, code: int = 2) -> NoReturn:
    """Ends with one line on stderr."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


def python() -> str:
    """A Python of the pinned version: this one, or python3.11 on PATH."""
    if sys.version_info[:2] == VERSION:
        return sys.executable
    found = shutil.which("python3.11")
    if not found:
        stop(f"this is Python {sys.version_info[0]}.{sys.version_info[1]}; the pinned packages need 3.11: install it")
    return found


def install(interpreter: str) -> None:
    """Makes .venv and installs every pinned package into it. A half-made .venv is made again from the start."""
    print("Setting up .venv, once: 170 packages, 3.5 GB to download, 7 GB on disk; 4 to 15 minutes.", flush=True)
    # Debian's Python comes without ensurepip; then its own pip installs from outside.
    inside = subprocess.run([interpreter, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0
    subprocess.run([interpreter, "-m", "venv", "--clear", *([] if inside else ["--without-pip"]), VENV], check=True)
    pip = [VENV / "bin/python", "-m", "pip"] if inside else [interpreter, "-m", "pip", "--python", VENV / "bin/python"]
    options = ["--disable-pip-version-check", "--require-hashes", "--no-deps"]
    subprocess.run([*pip, "install", *options, "-r", REQUIREMENTS], check=True)


def ensure_environment() -> None:
    """Makes .venv unless it was finished for these very requirements; only one process at a time does."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    mark = VENV / "finished"
    with (ROOT / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another process is setting up .venv; waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.exists() and mark.read_text() == wanted:
            return
        try:
            install(python())
        except subprocess.CalledProcessError as error:
            stop(f"setting up .venv failed (exit code {error.returncode}, see above); the same command tries again")
        mark.write_text(wanted)
        print("The environment is ready.", flush=True)


def main() -> None:
    """Sets up what is missing and becomes snakemake or pytest."""
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return
    try:
        ensure_environment()
    except KeyboardInterrupt:
        stop("stopped; the same command sets up .venv again", 130)
    except OSError as error:
        stop(f"{error.filename or ROOT}: {error.strerror}")
    os.chdir(ROOT)
    # The rules call `python`, which must be the environment's; packages from elsewhere would undo the pins.
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    environment.update(VIRTUAL_ENV=str(VENV), PYTHONNOUSERSITE="1")
    module = ["pytest", *arguments[1:]] if arguments[:1] == ["test"] else ["snakemake", "--cores", "all", *arguments]
    os.execve(VENV / "bin/python", [str(VENV / "bin/python"), "-m", *module], environment)


if __name__ == "__main__":
    main()
