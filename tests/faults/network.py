"""No network: a whole run, with ``offline: true``, ends with the same bytes and asks nobody."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from tests.faults.kills import difference, tree
from tests.faults.outcomes import RECOVERED, Outcome, judge
from tests.faults.sandbox import Sandbox
from tests.warm.server import KEPT, LEFT, WITNESS

# Everything that the demo makes by default, and the tables, figures and measurements that are made only when asked for.
MORE = ("results/table2.csv", "results/efficiency.png", "results/efficiency_bars.png", "results/training_cost.md")
SECONDS = 1800


def trial(sandbox: Sandbox, place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Run all jobs of a copy of the demo again, each in a network namespace of its own."""
    about = "all jobs"
    with sandbox.copy(place) as copy:
        before, witness = tree(copy), copy / "asked"
        words = ("-m", "snakemake", "--cores", "2", "--forceall", "all", *MORE, "--config", "offline=true")
        code, output = sandbox.run(words, copy, seconds=SECONDS, **{WITNESS: str(witness), "OMP_NUM_THREADS": "1"})
        noted = Counter(witness.read_text().splitlines() if witness.exists() else [])
        after = difference(before, tree(copy))
    if asked := set(noted) - {KEPT, LEFT}:
        return about, Outcome("asked for the network", " ".join(sorted(asked)))
    if noted[KEPT]:
        return about, Outcome("skipped")
    if noted[LEFT] <= len(MORE):
        return about, Outcome("kept the network", f"{noted[LEFT]} processes left it")
    if (outcome := judge(code, output)).verdict != "accepted":
        return about, Outcome("fails without network", outcome.fault or output.strip().splitlines()[-1])
    return about, Outcome("same bytes, nothing asked") if after == RECOVERED else after
