"""How a training ended: ``outcome.json`` of a checkpoint folder."""

from __future__ import annotations

from pathlib import Path

from osediff.common.files import read_json, write_json
from osediff.common.settings import Settings, parse

OUTCOME = "outcome.json"


class Outcome(Settings):
    """A training that converged, or the step and the reason where it did not; both are results."""

    converged: bool
    steps: int | None = None
    """Steps of a training that converged."""
    step: int | None = None
    """Step that diverged, from 0."""
    reason: str | None = None
    photos: tuple[str, ...] | None = None
    """Photographs of the batch that diverged."""
    last_good: int | None = None
    """Steps behind the adapters of a training that diverged."""

    def __str__(self) -> str:
        """One line without the folder's name."""
        return "converged" if self.converged else f"did not converge: {self.reason} at step {self.step}"


def read_outcome(folder: Path) -> Outcome:
    """Read how the training of the checkpoint ``folder`` ended; InputError if the file is absent or damaged."""
    return parse(read_json(folder / OUTCOME), Outcome, str(folder / OUTCOME))


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write ``outcome.json``, which a training does last."""
    write_json(folder / OUTCOME, outcome.model_dump(mode="json", exclude_none=True))
