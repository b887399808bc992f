"""The parser of a module's command line."""

from __future__ import annotations

import argparse


def make_parser(module: str, documentation: str | None) -> argparse.ArgumentParser:
    """Make the parser of ``python -m module``, with the first line of its ``documentation``."""
    return argparse.ArgumentParser(prog=f"python -m {module}", description=(documentation or "").split("\n")[0])
