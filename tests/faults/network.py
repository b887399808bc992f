"""No network: every job ends with the same bytes where there is none, and does not ask for it."""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path

from tests.faults.kills import difference, remove_outputs, tree
from tests.faults.outcomes import RECOVERED, Outcome, judge, run
from tests.faults.sandbox import Sandbox

# Runs in every Python of the job before anything else, and notes whom it wants to reach.
WITNESS = """
import os, sys
def note(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if host not in ("localhost", "::1") and not host.startswith("127."):
        with open(os.environ["WITNESS"], "a") as file:
            file.write(host + "\\n")
sys.addaudithook(note)
"""


def trial(sandbox: Sandbox, place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Run one job of a copy of the demo in a network namespace of its own."""
    job = rng.choice(sandbox.jobs)
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if not shutil.which("unshare") or run([*unshare, "true"], Path.cwd())[0] != 0:
        return job.rule, Outcome("skipped")
    with sandbox.copy(place) as copy:
        before = tree(copy)
        remove_outputs(copy, job)
        (copy / "witness").mkdir()
        (copy / "witness" / "sitecustomize.py").write_text(WITNESS)
        asked = copy / "asked"
        environment = {"PYTHONPATH": str(copy / "witness"), "WITNESS": str(asked), "OMP_NUM_THREADS": "1"}
        code, output = run([*unshare, sys.executable, *job.words], copy, environment)
        outcome = judge(code, output)
        if asked.exists():
            return job.rule, Outcome("asked for the network", " ".join(sorted(set(asked.read_text().split()))))
        after = difference(before, tree(copy))
    if outcome.verdict != "accepted":
        return job.rule, Outcome("fails without network", output.strip().splitlines()[-1] if output.strip() else "")
    return job.rule, Outcome("same bytes, nothing asked") if after == RECOVERED else after
