"""Check configuration files, values and profiles on Snakemake's command line, before Snakemake reads them.

    python -m workflow.planning.command_line [arguments of snakemake]

``--configfile`` and ``--config`` take all words after them, even targets. The messages of Snakemake about this, and
about a file that it cannot read, name neither the file nor the line. ``bench.py`` runs this check first. Plain
``snakemake`` reads these files before the Snakefile, which then runs the check.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Protocol

from osediff.common.errors import InputError, run
from osediff.common.validation import read_yaml

FILES, VALUES, PROFILES = ("--configfile", "--configfiles"), ("--config", "-C"), ("--workflow-profile", "--profile")
BUILT_IN = ("local", "dryrun", "touch")  # executors
SUFFIXES = (".yaml", ".yml", ".json")
MAIN_RESULTS = ("results/table1.csv", "results/table2.csv", "results/report/index.html", "results/statistics.csv")
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


class Rule(Protocol):
    """The part of Snakemake's rules that ``check_targets`` needs."""

    name: str

    def is_producer(self, requested_output: str) -> bool:
        """Return whether the rule makes this file."""


def check_targets(targets: Iterable[str], rules: Sequence[Rule]) -> None:
    """Check that each target is a rule, a file that exists, or a file that a rule makes; InputError if it is not."""
    names = {rule.name for rule in rules}
    for target in sorted(targets):
        place = os.path.relpath(target or ".")
        if target in names or Path(target).is_file() or any(rule.is_producer(place) for rule in rules):
            continue
        close = difflib.get_close_matches(target, [*names, *MAIN_RESULTS], 1)
        hint = f"did you mean {close[0]}?" if close else "docs/results.md lists the results"
        raise InputError(f"{target!r}: no rule makes this; {hint}")


def check_profiles(names: Iterable[str]) -> None:
    """Check that the executors of these profiles are installed; InputError that says how to install one."""
    for name in names:
        path = Path(name) / "profile.yaml"
        executor = read_yaml(path).get("executor") if path.is_file() else None
        plugin = f"snakemake_executor_plugin_{str(executor).replace('-', '_')}"
        if executor not in (None, *BUILT_IN) and importlib.util.find_spec(plugin) is None:
            raise InputError(
                f"{path}: executor {executor} is not installed:"
                f" {sys.executable} -m pip install --no-deps --require-hashes -r {name}/requirements.txt"
            )


def main() -> None:
    """Check a command line of Snakemake."""
    arguments = sys.argv[1:]
    check_profiles(words_after(PROFILES, arguments))
    check_files(words_after(FILES, arguments))
    check_values(words_after(VALUES, arguments))


if __name__ == "__main__":
    run(main)
