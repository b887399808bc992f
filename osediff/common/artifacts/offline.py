"""The switch that forbids every download: an option of the commands, or an environment variable."""

from __future__ import annotations

import argparse
import os

VARIABLE = "OSEDIFF_OFFLINE"
"""Environment variable: 1 stands for ``--offline`` of every command that fetches.

The workflow sets it where the main configuration is offline. An option of a rule would run the rule again when it
changes.
"""


def add_offline_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--offline`` to a command that fetches; its default is what the environment variable says."""
    asked = os.environ.get(VARIABLE, "") not in ("", "0")
    parser.add_argument(
        "--offline", action="store_true", default=asked, help=f"stop instead of downloading; {VARIABLE}=1 does so too"
    )
