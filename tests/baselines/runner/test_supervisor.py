"""Programs are watched by their messages; what they print is shown; nothing that they started goes on after them."""

from __future__ import annotations

import os
import socket
import sys
import time

import pytest

from baselines.runner.supervisor import TAIL_LINES, ProcessResult, supervise, without_network
from tests.baselines.fake_baseline import is_running

PROGRAM = """
import os, signal, subprocess, sys, time
def send(event, detail=""):
    os.write(int(sys.argv[-1]), ('{"event": "%s", "detail": "%s"}\\n' % (event, detail)).encode())
"""


def watch(code: str, limit: float = 60) -> ProcessResult:
    """Run a short program that may ``send`` messages."""
    return supervise([sys.executable, "-S", "-c", PROGRAM + code], os.environ, limit)


def test_messages_are_collected_and_output_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    lines = f"print('{{}}'); [print('line', n) for n in range({TAIL_LINES})]"
    result = watch(f"{lines}; send('loaded'); send('begun', 'a'); sys.exit(3)")
    assert (result.code, result.hung) == (3, False)
    assert [(message.event, message.detail) for message in result.messages] == [("loaded", ""), ("begun", "a")]
    assert result.tail == tuple(f"line {n}" for n in range(TAIL_LINES))
    assert capfd.readouterr().err.startswith("{}\nline 0\n")


def test_a_signal_is_a_negative_code() -> None:
    assert watch("os.kill(os.getpid(), signal.SIGSEGV)").code == -11


def test_a_program_that_hangs_is_stopped_with_all_that_it_started() -> None:
    child = "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(1000)'])"
    result = watch(f"print({child}.pid, flush=True); send('begun', 'b'); time.sleep(1000)", limit=2)
    assert result.hung and result.messages[-1].detail == "b"
    deadline = time.monotonic() + 60  # the system ends it in its own time
    while is_running(result.tail[0]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(result.tail[0])


def test_a_program_that_works_longer_than_the_limit_but_sends_messages_is_not_stopped() -> None:
    result = watch("for n in range(5): send('restored', n); time.sleep(0.5)", limit=2)
    assert not result.hung and len(result.messages) == 5


def test_a_program_without_network_reaches_no_server() -> None:
    words = without_network()
    if not words:
        pytest.skip("this system takes no network away (unshare)")
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
        assert supervise([sys.executable, "-c", connect], os.environ, 60).code == 0
        result = supervise([*words, sys.executable, "-c", connect], os.environ, 60)
    assert result.code == 1 and "unreachable" in result.tail[-1]
