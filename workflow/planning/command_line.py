"""Check configuration files and values on Snakemake's command line, before Snakemake reads them.

    python -m workflow.planning.command_line [arguments of snakemake]

``--configfile`` and ``--config`` take all words after them, even targets. The messages of Snakemake about this, and
about a file that it cannot read, name neither the file nor the line. ``bench.py`` runs this check first. Plain
``snakemake`` reads these files before the Snakefile, which then runs the check.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from osediff.common.errors import InputError, run
from osediff.common.validation import read_yaml

FILES, VALUES = ("--configfile", "--configfiles"), ("--config", "-C")
SUFFIXES = (".yaml", ".yml", ".json")
OUTPUTS = ("results", "runs", "data")


def words_after(options: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Return the words that these options take: all words up to the next option, or the word after ``=``."""
    words: list[str] = []
    taking = False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if argument.startswith("-"):
            taking = name in options and not equals
            words += [value] if name in options and equals else []
        elif taking:
            words.append(argument)
    return words


def is_target(name: str) -> bool:
    """Return whether a word is a target: a file that rules make, or a rule."""
    if Path(name).exists() or name.endswith(SUFFIXES):
        return PurePath(os.path.relpath(name or ".")).parts[:1] in {(folder,) for folder in OUTPUTS}
    return True


def check_files(names: Iterable[str | Path]) -> None:
    """Check that these files are configuration files.

    Raises:
        InputError: a file is a target, is absent, is not YAML, or does not contain keys and values.
    """
    for name in map(str, names):
        if is_target(name):
            raise InputError(
                f"--configfile takes every word after it: {name} is a target, no configuration file;"
                f" put targets first: {name} --configfile FILE"
            )
        if not isinstance(read_yaml(Path(name)), dict):
            raise InputError(f"{name}: must hold keys and values, as config/config.yaml of the repository does")


def check_values(words: Iterable[str]) -> None:
    """Check that the words of ``--config`` are values; InputError if a word is a target."""
    for word in words:
        if "=" not in word:
            raise InputError(
                f"--config takes every word after it: {word} is no KEY=VALUE;"
                f" put targets first: {word} --config KEY=VALUE"
            )


def main() -> None:
    """Check a command line of Snakemake."""
    arguments = sys.argv[1:]
    check_files(words_after(FILES, arguments))
    check_values(words_after(VALUES, arguments))


if __name__ == "__main__":
    run(main)
