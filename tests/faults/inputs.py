"""Bad inputs: one input file of one job is spoilt, and the job must refuse it in one line."""

from __future__ import annotations

import random
from pathlib import Path

from tests.faults import mutations
from tests.faults.outcomes import ACCEPTED, Outcome, judge
from tests.faults.sandbox import Sandbox

NUMBERS = (".csv", ".json", ".png", ".safetensors")  # outputs that hold what was measured
# What a job may show as it is told: a label of a finished table, a reason that holds for more values, fewer methods.
NAMED = b"restored on another backbone"
LABELS = {
    ("other_protocol", "table1.csv"),
    ("missing_key", "disagreements.yaml"),
    ("other_value", "disagreements.yaml"),
}
LABELS |= {("missing_key", "compare_published.yaml")}


def trial(sandbox: Sandbox, place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Spoil one input of one job in a copy of the demo; return what was done, and how it ended."""
    job = rng.choice([job for job in sandbox.jobs if job.inputs(sandbox.folder)])
    names = job.inputs(sandbox.folder)
    kinds = {Path(name).suffix: [other for other in names if Path(other).suffix == Path(name).suffix] for name in names}
    name = rng.choice(kinds[rng.choice(sorted(kinds))])
    mutation = rng.choice(mutations.of_file(Path(name)))
    about = f"{job.rule}: {name}: {mutation.__name__}"
    with sandbox.copy(place) as copy:
        before = sandbox.content(copy, job.outputs)
        mutation(copy / name, rng)
        code, output = sandbox.run(job.words, copy)
        outcome = judge(code, output)
        if (copy / "proof").exists():
            return about, Outcome("executed", output[-200:])
        if outcome.verdict != "accepted":
            return about, outcome
        after = sandbox.content(copy, job.outputs)
    if mutation.__name__ in mutations.OTHER_INPUT and Path(name).suffix == ".png":
        return about, Outcome("another image")
    if (mutation.__name__, Path(name).name) in LABELS:
        return about, Outcome("another label")
    if name.startswith("backbones/") and any(NAMED in after[path] and NAMED not in before[path] for path in after):
        return about, Outcome("named in the record")
    changed = [path for path in before if path.endswith(NUMBERS) and after.get(path) != before[path]]
    return about, Outcome("accepted, another result", changed[0]) if changed else ACCEPTED
