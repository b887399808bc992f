"""The command ``osediff``: one word for each module that a person runs without the workflow.

    osediff restore IN OUT      photographs, or one, by the shipped OSEDiff or another one
    osediff train PHOTOS OUT    an OSEDiff for your own photographs
    osediff evaluate SR HR      restored images beside the true ones
    osediff export OUT          a model as a folder that diffusers reads, with a card
    osediff push FOLDER REPO    that folder to the Hugging Face Hub
    osediff app                 a page in the browser: a photograph in, the restored one beside it
    osediff doctor              what is installed, what is missing, and how to get it

Each does what its module does (``python -m osediff.restore``), with the same options. Only the module of the word is
imported, so a command needs only the packages of its extra: ``pip install '.[restore]'``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from dataclasses import dataclass

from osediff.common.errors import InputError, run
from osediff.common.validation import suggestion


@dataclass(frozen=True)
class Command:
    """A word of the command line.

    Attributes:
        module: has ``add_options(parser, named)`` and ``execute(args)``.
        usage: the arguments without a name.
        summary: what it does, in a line.
        extra: of the packages that it needs; empty: none.
    """

    module: str
    usage: str
    summary: str
    extra: str = ""


COMMANDS = {
    "restore": Command("osediff.restore", "IN OUT", "restore a folder of images, or one image", "restore"),
    "train": Command("osediff.train", "PHOTOS OUT", "train an OSEDiff", "train"),
    "evaluate": Command("benchmark.evaluation.evaluate", "SR HR", "measure SR images against HR images", "metrics"),
    "export": Command("osediff.sharing.export", "OUT", "write a model as a folder that diffusers reads", "restore"),
    "push": Command("osediff.sharing.push", "FOLDER REPO", "upload that folder to the Hugging Face Hub", "restore"),
    "app": Command("osediff.app", "", "show a page that restores a photograph", "app"),
    "doctor": Command("osediff.doctor", "", "say what is installed, and what is missing"),
}
OURS = ("osediff", "benchmark", "baselines")  # of which a missing module is a bug


def missing(command: Command, package: str) -> InputError:
    """Return the error that names the extra which has ``package``."""
    what = f"'.[{command.extra}]'" if command.extra else "."
    return InputError(f"the package {package} is not installed: pip install {what} in a clone of the repository")


def help_text() -> str:
    """Return what ``osediff --help`` prints."""
    lines = [f"  {f'{name} {command.usage}':20} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: osediff COMMAND ...", "", *lines, "", "osediff COMMAND --help lists its options."])


def execute(words: list[str]) -> None:
    """Carry out the command line ``words``, without the name of the program."""
    if not words or words[0] in ("-h", "--help"):
        print(help_text())
        return
    if words[0] not in COMMANDS:
        raise InputError(f"osediff {words[0]}: no such command, {suggestion(words[0], list(COMMANDS))}")
    command = COMMANDS[words[0]]
    try:
        module = importlib.import_module(command.module)
        parser = argparse.ArgumentParser(prog=f"osediff {words[0]}", description=command.summary)
        module.add_options(parser, named=False)
        module.execute(parser.parse_args(words[1:]))
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] in OURS:
            raise
        raise missing(command, str(error.name)) from error


def main() -> None:
    """Run the command line of this process."""
    run(lambda: execute(sys.argv[1:]))
