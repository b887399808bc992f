"""A full disk: one line that names a file; after making room, the same command ends with the same bytes."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.kills import difference, remove_outputs, tree
from tests.faults.outcomes import RECOVERED, Outcome, judge
from tests.faults.sandbox import Sandbox


def mount(*words: str) -> bool:
    """Call mount; return whether it is allowed."""
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[bool]:
    """Mount a small disk at ``folder`` for the block, with what is there; yield whether that is allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)):
        yield False
        return
    try:
        for name, bytes_of_file in content.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(bytes_of_file)
        used = sum(-(-len(part) // 4096) * 4 for part in content.values())
        resize(folder, used + kilobytes)
        yield True
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def resize(folder: Path, kilobytes: int) -> None:
    """Set the size of the disk at ``folder``."""
    mount("-o", f"remount,size={kilobytes}k", str(folder))


def trial(sandbox: Sandbox, place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Run one job of a copy of the demo on a disk that is full at some moment, then again with room."""
    job = rng.choice([job for job in sandbox.jobs if job.rule in ("train", "restore", "evaluate")] + sandbox.jobs)
    kilobytes = rng.choice([0, 4, 8, 16, 64, 256, 1024, 2048])
    about = f"{job.rule}, {kilobytes} kB free"
    with sandbox.copy(place) as copy:
        before = tree(copy)
        remove_outputs(copy, job)
        folder = (copy / job.outputs[0]).parent
        with small_disk(folder, kilobytes) as allowed:
            if not allowed:
                return about, Outcome("skipped")
            outcome = judge(*sandbox.run(job.words, copy))
            if outcome.verdict not in ("accepted", "one line"):
                return about, outcome
            resize(folder, 1 << 20)
            if outcome.verdict == "one line":
                code, output = sandbox.run(job.words, copy)
                if code != 0:
                    return about, Outcome("not continued", output.strip().splitlines()[-1])
            after = difference(before, tree(copy))
    return about, after if after != RECOVERED or outcome.verdict == "accepted" else Outcome("one line, then same bytes")
