"""Stand for ``python -m MODULE``: have the warm process, whose socket lies beside this file, run it; end as it does."""

import json
import os
import signal
import socket
import sys
from pathlib import Path

REAL = "PYTHON"  # the interpreter of the tests, written here when this file is copied

if sys.argv[1:2] != ["-m"]:
    os.execv(REAL, [REAL, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect(str(Path(__file__).with_name("socket")))
    request = json.dumps([sys.argv[2], sys.argv[3:], str(Path.cwd()), dict(os.environ)]).encode()
    socket.send_fds(server, [request], [0, 1, 2])
    code = server.recv(16)
sys.exit(int(code) if code else 128 + signal.SIGKILL)
