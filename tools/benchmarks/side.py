"""A side of a benchmark: a process that waits for its turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


class Side:
    """A process that answers requests as tools.official.sides.serving says; it runs only while it is asked."""

    def __init__(self, *command: object, **environment: str) -> None:
        line = [sys.executable, *map(str, command)]
        self.process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | environment
        )
        self.answer()

    def answer(self) -> dict[str, Any]:
        """Return the next answer; SystemExit if the process has ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("error: a side has ended; see above")
        return dict(json.loads(line))

    def ask(self, **request: object) -> dict[str, Any]:
        """Send a request and return its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request, default=str) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
