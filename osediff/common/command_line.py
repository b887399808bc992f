"""The parser of a module's command line, which is ``python -m module`` or a word of ``osediff`` (osediff.tool)."""

from __future__ import annotations

import argparse
from pathlib import Path


def make_parser(module: str, documentation: str | None) -> argparse.ArgumentParser:
    """Make the parser of ``python -m module``, with the first line of its ``documentation``."""
    return argparse.ArgumentParser(prog=f"python -m {module}", description=(documentation or "").split("\n")[0])


def add_place(parser: argparse.ArgumentParser, name: str, named: bool, text: str, optional: bool = False) -> None:
    """Add the folder or file ``name``: with ``named`` as an option (``--input DIR``), else by its position."""
    if named:
        parser.add_argument(f"--{name}", type=Path, required=not optional, help=text)
    else:
        parser.add_argument(name, type=Path, nargs="?" if optional else None, help=text)
