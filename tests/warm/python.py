"""A ``python`` for tests, whose modules run in forks of one process that has imported their libraries already."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent


def connect(path: Path) -> socket.socket | None:
    """Return a connection to the server, or None where there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(str(path))
        connection.sendall(b"lease")
    except (FileNotFoundError, ConnectionError):
        connection.close()
        return None
    return connection


def start(folder: Path) -> socket.socket:
    """Start the server and return a lease of it."""
    (folder / "socket").unlink(missing_ok=True)
    command = [sys.executable, str(HERE / "server.py"), str(folder / "socket")]
    with (folder / "server.log").open("a") as log:
        # One thread for each job, as for each test process: both cores are busy.
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    while not (lease := connect(folder / "socket")):
        assert process.poll() is None, (folder / "server.log").read_text()
        time.sleep(0.01)
    return lease


@contextmanager
def warm_python(folder: Path) -> Iterator[Path]:
    """Yield a program that stands for ``python``; all processes that name the same folder share one server."""
    folder.mkdir(exist_ok=True)
    program = folder / "python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            text = (HERE / "client.py").read_text().replace('"PYTHON"', repr(sys.executable))
            program.write_text(f"#!{sys.executable} -IS\n{text}")
            program.chmod(0o755)
        lease = connect(folder / "socket") or start(folder)
    with lease:
        yield program
