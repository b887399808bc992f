"""Bad configurations and command lines of the workflow: our line is the last one."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.faults import mutations
from tests.faults.outcomes import Outcome, judge
from tests.faults.sandbox import Sandbox

DRY = ("-m", "snakemake", "--cores", "1", "-n", "--quiet")
TARGET = "results/table1.csv"


def spoil_registry(copy: Path, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Spoil one file of config/."""
    path = rng.choice(sorted((copy / "config").rglob("*.yaml")))
    mutation = rng.choice(mutations.of_file(path))
    mutation(path, rng)
    return f"{path.relative_to(copy)}: {mutation.__name__}", (TARGET,)


def spoil_file_of_command_line(copy: Path, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Name a spoilt file behind --configfile."""
    path = copy / "mine.yaml"
    path.write_text("seed: 1\n")
    mutation = rng.choice(mutations.of_file(path))
    mutation(path, rng)
    return f"--configfile: {mutation.__name__}", (TARGET, "--configfile", "mine.yaml")


def other_value(copy: Path, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Give a key of the main file a value that it cannot have, on the command line."""
    key = rng.choice(
        ["seed", "seeds", "methods", "metrics", "test_sets", "paths", "device", "timings", "pictures", "x"]
    )
    value = rng.choice(
        ["-1", "nan", "1e400", "[]", "{}", "'", "[[[", "{a: b}", "../..", "$(touch proof)", "[psnr, psnr]"]
    )
    return f"--config {key}={value}", (TARGET, "--config", f"{key}={value}")


def misspelt_target(copy: Path, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Ask for a file that no rule makes."""
    target = rng.choice(
        ["results/tabel1.csv", "results/table9.csv", "tabel", "results", "results/{x}.csv", "-é", "a\nb"]
    )
    return f"target {target!r}", ("--", target)


def state_as_file(copy: Path, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Put a file where a folder must be."""
    name = rng.choice([".snakemake", "results", "runs", "data"])
    (copy / name).rename(copy / f"{name} aside")
    (copy / name).write_text("a file")
    return f"{name} is a file", (TARGET,)


KINDS: tuple[Callable[[Path, random.Random], tuple[str, tuple[str, ...]]], ...] = (
    *(spoil_registry,) * 5,
    *(spoil_file_of_command_line, other_value, misspelt_target, state_as_file),
)


def trial(sandbox: Sandbox, place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Plan a run of a copy of the demo with something spoilt."""
    with sandbox.copy(place) as copy:
        about, words = rng.choice(KINDS)(copy, rng)
        code, output = sandbox.run((*DRY, *words), copy)
        if (copy / "proof").exists():
            return about, Outcome("executed", output[-200:])
    outcome = judge(code, output)
    # A plan computes no number: another valid value is another plan.
    return about, Outcome("another plan") if outcome.verdict == "accepted" else outcome
