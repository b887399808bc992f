"""Load a trained model that a person shows or gives to others, with the checks of ``osediff restore``."""

from __future__ import annotations

import sys
from pathlib import Path

from osediff.common.errors import InputError
from osediff.common.shipped import find_model
from osediff.outcome import read_outcome
from osediff.pipeline import OSEDiff
from osediff.provenance import backbone_hash, note_backbone
from osediff.recipe import Precision


def load_trained(
    checkpoint: str | Path | None, backbone: str | Path | None, device: str = "cpu", precision: Precision = "fp32"
) -> OSEDiff:
    """Load a model, as ``OSEDiff.from_pretrained`` does; a line says if its backbone is not that of the training.

    Raises:
        InputError: the training did not converge, or a folder or a setting is wrong.
    """
    checkpoint, backbone = find_model("checkpoints", checkpoint), find_model("backbones", backbone)
    outcome = read_outcome(checkpoint)
    if not outcome.converged:
        raise InputError(f"{checkpoint}: training {outcome}; name another checkpoint")
    model = OSEDiff.from_pretrained(checkpoint, backbone, device, precision)
    if note := note_backbone(checkpoint, backbone_hash(backbone)):
        print(f"{checkpoint}: {note}", file=sys.stderr)
    return model
