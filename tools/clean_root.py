"""Carry out the steps of container/Dockerfile in a clean root, without a builder of images.

    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm ROOT
    python -m tools.clean_root --build ROOT
    python -m tools.clean_root ROOT -- snakemake --cores 2 results/table2.csv

ROOT stands in for the base image, which a registry has. ``--build`` carries out COPY and RUN, in their order, as root.
A command runs as the image runs it: with its user, its environment and its working folder. ``--user`` is another user,
as that of ``docker run``. Put what the command reads into ROOT/work before. It needs root, for chroot.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run

REPOSITORY = Path(__file__).resolve().parents[1]
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WITHOUT_EFFECT_HERE = ("ARG", "FROM", "LABEL", "CMD")


@dataclass
class Image:
    """What the steps of a Dockerfile leave for the commands that run in the image."""

    environment: dict[str, str] = field(default_factory=lambda: {"PATH": SEARCHED})
    user: str = "0:0"
    folder: str = "/"


def read_steps(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each with its words; continued lines are one."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    return [(name, words.strip()) for name, _, words in (line.partition(" ") for line in lines)]


def enter(root: Path, image: Image, command: list[str]) -> int:
    """Run a command in ``root`` as the image would; return its exit code."""
    inside = [
        "chroot",
        f"--userspec={image.user}",
        str(root),
        "sh",
        "-c",
        'cd "$0" && exec "$@"',
        image.folder,
        *command,
    ]
    return subprocess.run(inside, env=image.environment, check=False).returncode


def carry_out(root: Path, step: tuple[str, str], image: Image, build: bool) -> None:
    """Carry out one instruction: COPY and RUN only if ``build``.

    Raises:
        InputError: the instruction is unknown here, or a step failed.
    """
    name, words = step
    if name == "ENV":
        for key, value in re.findall(r"(\w+)=(\S+)", words):
            image.environment[key] = value.replace("$PATH", image.environment["PATH"])
    elif name == "USER":
        image.user = words
    elif name == "WORKDIR":
        image.folder = words
        (root / words.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif name == "COPY" and build:
        *files, folder = words.split()
        target = root / folder.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(REPOSITORY / file, target)
    elif name == "RUN" and build:
        start = time.monotonic()
        if code := enter(root, image, ["sh", "-c", words]):
            raise InputError(f"container/Dockerfile: RUN {words}: exit code {code}")
        print(f"RUN {words}: {time.monotonic() - start:.0f} s", flush=True)
    elif name not in (*WITHOUT_EFFECT_HERE, "COPY", "RUN"):
        raise InputError(f"container/Dockerfile: {name}: this tool does not know it; add it to {Path(__file__).name}")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options; the command is what stands after ``--``."""
    parser = make_parser("tools.clean_root", __doc__)
    parser.add_argument("root", type=Path, help="folder of a clean Debian")
    parser.add_argument("--build", action="store_true", help="carry out COPY and RUN")
    parser.add_argument("--user", help="UID:GID of the command, in place of the image's user")
    parser.add_argument("command", nargs="*", help="command to run in the image")
    return parser.parse_args(arguments)


def main() -> None:
    """Run the command line."""
    options = parse(sys.argv[1:])
    if os.geteuid() != 0:
        raise InputError("chroot needs root; run this as root")
    if not (options.root / "bin/sh").exists():
        raise InputError(f"{options.root}: no clean Debian; make it by debootstrap, as --help shows")
    image = Image()
    for step in read_steps((REPOSITORY / "container/Dockerfile").read_text(encoding="utf-8")):
        carry_out(options.root, step, image, options.build)
    image.user = options.user or image.user
    if options.command:
        sys.exit(enter(options.root, image, options.command))


if __name__ == "__main__":
    run(main)
