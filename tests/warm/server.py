"""Run modules in forks of one process that has imported their libraries already.

Importing torch, diffusers and pyiqa takes longer than what most jobs of a very small demo do. Only libraries are
imported here; a fork imports the project's own code from the folder that it runs in, as ``python -m`` does.

The server listens at the socket that is its only argument. A connection that sends ``lease`` keeps it alive; it ends
when the last of them closes. Any other connection sends a request, and with it its stdin, stdout and stderr.

Where the environment of a request names a file NETWORK_WITNESS, the fork has no network, and writes into that file
that it left the network, or that the system does not let it, and which other machines it wants to reach.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path

SECONDS_TO_FIRST_LEASE = 60
REQUEST_BYTES = 1 << 20
WITNESS, LEFT, KEPT = "NETWORK_WITNESS", "the network was left", "the network was kept"
NEW_USER_NAMESPACE, NEW_NETWORK_NAMESPACE = 1 << 28, 1 << 30
# What Snakemake and the planning of the workflow import, and what the jobs of the demo import.
PLANNING = ("pydantic", "snakemake.cli", "yaml")
JOBS = (
    "accelerate:Accelerator",
    "cv2",
    "diffusers:AutoencoderKL",
    "diffusers:UNet2DConditionModel",
    "matplotlib.backends.backend_agg",
    "pandas",
    "peft",
    "PIL.Image",
    "pyiqa",
    "scipy.stats",
    "torch.utils.tensorboard",
    "transformers:CLIPTextModel",
    "transformers:CLIPTokenizer",
)


@cache
def import_libraries(names: tuple[str, ...]) -> None:
    """Import modules, and names of modules that import them only when they are asked for."""
    for name in names:
        pkgutil.resolve_name(name)


def end_with(connection: socket.socket) -> None:
    """End this process as soon as the one that asked for it has ended."""
    connection.recv(1)
    os._exit(1)


def run(module: str, arguments: list[str]) -> int:
    """Run a module as ``python -m`` does and return the exit code."""
    sys.argv = [module, *arguments]
    sys.path[0] = str(Path.cwd())
    code: int | str | None = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def leave_network(witness: str) -> None:
    """Give up the network, and from now on write into ``witness`` whom this process wants to reach."""

    def note(line: str) -> None:
        with Path(witness).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.getaddrinfo":
            host = arguments[0]
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        else:
            return
        host = host.decode() if isinstance(host, bytes) else str(host or "localhost")
        if host not in ("localhost", "::1") and not host.startswith("127."):
            note(host)

    kind = NEW_NETWORK_NAMESPACE | (NEW_USER_NAMESPACE if os.geteuid() else 0)
    note(KEPT if ctypes.CDLL(None).unshare(kind) else LEFT)
    sys.addaudithook(watch)


def answer(connection: socket.socket, request: bytes, streams: list[int]) -> None:
    """Become the process that was asked for, send its exit code, and end."""
    module, arguments, folder, environment = json.loads(request)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if witness := environment.get(WITNESS):
        leave_network(witness)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=end_with, args=(connection,), daemon=True).start()
    connection.sendall(str(run(module, arguments)).encode())
    os._exit(0)


def accept(listener: socket.socket, selector: selectors.BaseSelector) -> None:
    """Keep a lease, or start what a request asks for."""
    connection, _ = listener.accept()
    request, streams, _, _ = socket.recv_fds(connection, REQUEST_BYTES, 3)
    if request == b"lease":
        selector.register(connection, selectors.EVENT_READ)
        return
    if request:
        import_libraries(PLANNING if json.loads(request)[0] == "snakemake" else JOBS)
        if os.fork() == 0:
            selector.close()
            listener.close()
            answer(connection, request, streams)
    connection.close()
    for stream in streams:
        os.close(stream)


def serve(path: str) -> None:
    """Answer requests until the last lease is given back, or none is taken."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen()
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    timeout: float | None = SECONDS_TO_FIRST_LEASE
    while events := selector.select(timeout):
        for key, _ in events:
            if key.fileobj is listener:
                accept(listener, selector)
            else:  # a lease, which has nothing to say but its end
                assert isinstance(key.fileobj, socket.socket)
                selector.unregister(key.fileobj)
                key.fileobj.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if len(selector.get_map()) == 1:
            return
        timeout = None


if __name__ == "__main__":
    serve(sys.argv[1])
