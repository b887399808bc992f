"""The fault campaign: spoil, kill and deceive the suite at random, and count what is not as it must be.

    python -m tests.faults --minutes 10 --seed 1

Every trial has a number. ``--only CLASS --trial N`` repeats one trial of a campaign with the same seed. The exit code
is 1 if a trial ends with a fault: a traceback, a hang, a message that is not one line of ours, a command that ran, a
number that changed in silence, a file that is lost or has other bytes.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.faults import configurations, disks, inputs, kills, names, network, servers, weights
from tests.faults.outcomes import Outcome
from tests.faults.sandbox import Sandbox
from tests.warm.python import warm_python

Trial = Callable[[Path, random.Random], tuple[str, Outcome]]
# Parts of the time.
SHARES = {"inputs": 28, "configurations": 12, "weights": 14, "servers": 8, "kills": 18, "disks": 8, "names": 6}
SHARES |= {"network": 6}


def classes(sandbox: Sandbox) -> dict[str, Trial]:
    """Return the trial of each class."""
    return {
        "inputs": partial(inputs.trial, sandbox),
        "configurations": partial(configurations.trial, sandbox),
        "weights": partial(weights.trial, sandbox),
        "servers": servers.trial,
        "kills": partial(kills.trial, sandbox),
        "disks": partial(disks.trial, sandbox),
        "names": partial(names.trial, sandbox),
        "network": partial(network.trial, sandbox),
    }


class Campaign:
    """Trials by class, their outcomes, and the faults among them."""

    def __init__(self, trials: dict[str, Trial], place: Path, seed: int) -> None:
        self.trials, self.place, self.seed = trials, place, seed
        self.seconds = dict.fromkeys(trials, 0.0)
        self.verdicts: dict[str, Counter[str]] = {kind: Counter() for kind in trials}
        self.faults: list[str] = []

    def run(self, kind: str, number: int) -> None:
        """Run trial ``number`` of class ``kind``."""
        since = time.monotonic()
        shutil.rmtree(self.place, ignore_errors=True)
        about, outcome = self.trials[kind](self.place, random.Random(f"{self.seed}/{kind}/{number}"))
        shutil.rmtree(self.place, ignore_errors=True)
        self.seconds[kind] += time.monotonic() - since
        self.verdicts[kind][outcome.verdict] += 1
        line = f"{kind} {number}: {about}: {outcome.verdict}"
        if outcome.fault:
            line += f" ({' '.join(outcome.fault.split())[:300]})"
            self.faults.append(line)
        print(line, file=sys.stderr, flush=True)

    def next_class(self) -> str:
        """Return the class that has had the least of its share."""
        return min(self.trials, key=lambda kind: self.seconds[kind] / SHARES[kind])

    def table(self) -> str:
        """Return a Markdown table of the outcomes."""
        lines = ["| class | trials | outcomes | faults |", "|---|---|---|---|"]
        for kind, verdicts in self.verdicts.items():
            counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
            faults = sum(line.startswith(f"{kind} ") for line in self.faults)
            lines.append(f"| {kind} | {verdicts.total()} | {counts} | {faults} |")
        total = sum(verdicts.total() for verdicts in self.verdicts.values())
        return "\n".join([*lines, f"| all | {total} | | {len(self.faults)} |"])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="after the demo is finished (default: 10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=SHARES, nargs="+", default=list(SHARES), help="classes")
    parser.add_argument("--trial", type=int, help="this trial alone")
    parser.add_argument("--folder", type=Path, help="keep the finished demo here, for the next campaign")
    args = parser.parse_args()
    # A shell lets what it starts in the background ignore Ctrl-C, and the runs that are stopped would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        folder = (args.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        with warm_python(Path(temporary) / "warm") as python:
            trials = classes(Sandbox(folder / "demo", python))
            campaign = Campaign({kind: trials[kind] for kind in args.only}, folder / "trial", args.seed)
            end, counts = time.monotonic() + 60 * args.minutes, Counter[str]()
            while time.monotonic() < end:
                kind = campaign.next_class()
                campaign.run(kind, counts[kind] if args.trial is None else args.trial)
                counts[kind] += 1
                if args.trial is not None:
                    break
    print(campaign.table(), *(f"- {line}" for line in campaign.faults), sep="\n")
    sys.exit(bool(campaign.faults))


if __name__ == "__main__":
    main()
