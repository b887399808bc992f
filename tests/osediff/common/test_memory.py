"""Freed memory stays with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers import ROOT

PROGRAM = """
import resource
from osediff.common.memory import keep_freed_memory
if {keep}:
    keep_freed_memory()
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    large = b"x" * 2**26
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    del large
print(faults)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is of the GNU C library")
def test_large_memory_is_new_only_once() -> None:
    commands = ([sys.executable, "-c", PROGRAM.format(keep=keep)] for keep in (False, True))
    fresh, kept = (
        int(subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout) for line in commands
    )
    assert kept < 100 < fresh
