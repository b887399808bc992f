"""Every value in the shell line of a rule reaches the program as it is, and none runs as a command."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest
from snakemake.utils import format as format_line

from tests.helpers import ROOT

HOSTILE = (
    "a b",
    "$(touch proof).json",
    "`touch proof`",
    "; touch proof;",
    "& touch proof #",
    "'; touch proof; '",
    '"; touch proof; "',
    "line\ntouch proof",
    "{braces}",
    "*",
    "~",
    "a=b|c<d>e",
    "-é",
)
PREFIXES = {"LEASE": "python -m lease -- ", "TRAIN_LEASE": "python -m lease --gpus 2 -- ", "LAUNCH": "torchrun"}
PROGRAM = '#!/bin/bash\nfor word; do printf \'%s\\0\' "$word"; done >> "$WORDS"\n'


class Value(str):
    """A hostile text, and any attribute of it: one text, or a list of two."""

    def __getattr__(self, name: str) -> list[str]:
        return [str(self), str(self)]


def shell_lines() -> dict[str, str]:
    """Return the text below ``shell:`` of every rule, as Python evaluates it."""
    lines = {}
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.MULTILINE | re.DOTALL):
            if found := re.search(r"^    shell:\n((?:        f?\".*\n?)+)", body, re.MULTILINE):
                text = "\n".join(line.strip() for line in found[1].splitlines())
                ast.parse(f"({text})")
                lines[name] = eval(f"({text})", dict(PREFIXES))
    return lines


LINES = shell_lines()


def test_all_rules_are_walked() -> None:
    text = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert len(LINES) == len(re.findall(r"^    (?:shell|run|script):", text, re.MULTILINE)) > 20


@pytest.mark.parametrize("rule", LINES)
def test_hostile_values_stay_values(rule: str, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("python", "torchrun"):
        (programs / name).write_text(PROGRAM)
        (programs / name).chmod(0o755)
    # The interpreter of a baseline is a value too: this text names the program above.
    line = LINES[rule].replace("{params.python:q}", "python")
    values = re.findall(r"\{(?:input|output|params|wildcards)\b", line)
    folder = tmp_path / "here"
    folder.mkdir()
    for number, hostile in enumerate(HOSTILE):
        words = tmp_path / f"words-{number}"
        environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "WORDS": str(words)}
        keys = dict.fromkeys(("input", "output", "params", "wildcards"), Value(hostile))
        command = format_line(line, **keys, log=Value(f"{number}.log"), threads=2)
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr
        given = [word for word in words.read_text().split("\0") if hostile in word]
        assert len(given) >= len(values), command
        assert not (folder / "proof").exists(), command
