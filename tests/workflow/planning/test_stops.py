"""SIGTERM to one process ends the programs that it has started through shells, after its own handler."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.helpers import ROOT

SCHEDULER = """
import signal, subprocess, sys
from workflow.planning import stops
signal.signal(signal.SIGTERM, lambda number, frame: print("no further job", flush=True))
stops.end_jobs_on_sigterm()
program = "import pathlib, time; pathlib.Path('running').touch(); time.sleep(1000)"
line = f'(true && {sys.executable} -c "{program}"; echo ended by $?) | tee /dev/null'
job = subprocess.Popen(["bash", "-c", line], stdout=subprocess.PIPE, text=True)
print(job.communicate()[0], end="", flush=True)
"""


def test_sigterm_to_the_scheduler_alone_ends_its_job(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", SCHEDULER], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        while not (tmp_path / "running").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=300)
    assert output == "no further job\nended by 143\n"
    assert process.returncode == 0
