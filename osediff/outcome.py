"""How a training ended: ``outcome.json`` of a checkpoint folder."""

from __future__ import annotations

from pathlib import Path

from osediff.common.files import read_json, write_json
from osediff.common.settings import Settings, parse

OUTCOME = "outcome.json"
PROVENANCE = "provenance.json"  # beside it: what decided the weights, and their sha256


class Outcome(Settings):
    """The result of a training: it converged, or it diverged at a step for a reason."""

    converged: bool
    steps: int | None = None
    """Number of steps of a training that converged."""
    step: int | None = None
    """Step at which it diverged, from 0."""
    reason: str | None = None
    photos: tuple[str, ...] | None = None
    """Photographs of the batch that diverged."""
    last_good: int | None = None
    """Number of steps after which the adapters of a diverged training were saved."""

    def __str__(self) -> str:
        """Describe it in one line."""
        return "converged" if self.converged else f"did not converge: {self.reason} at step {self.step}"


def read_outcome(folder: Path) -> Outcome:
    """Read how the training of the checkpoint ``folder`` ended; InputError if the file is absent or damaged."""
    return parse(read_json(folder / OUTCOME), Outcome, str(folder / OUTCOME))


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write ``outcome.json``, the last file of a training."""
    write_json(folder / OUTCOME, outcome.model_dump(mode="json", exclude_none=True), durable=True)
