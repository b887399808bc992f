"""Hostile names of images and titles: they stay names, in shell lines and on pages."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from osediff.common.images import write_png
from tests.faults.outcomes import Outcome, judge
from tests.faults.sandbox import Sandbox

STEMS: tuple[str, ...] = (
    "$(touch proof)",
    "`touch proof`",
    "; touch proof;",
    "' touch proof '",
    '"',
    "{braces}",
    "{test_set}",
    "a=b|c",
)
STEMS += ("a=b|c", "<b>bold</b>", "a b", "é", "-rf", "%s", "\\", "a,b", "#", "&amp", "line\nbreak", "{", "~", "*")


def trial(sandbox: Sandbox, place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Measure given images with hostile names by the workflow, in a copy of the demo."""
    stems = rng.sample(STEMS, 2)
    with sandbox.copy(place) as copy:
        for stem in stems:
            pixels = np.random.default_rng(0)
            write_png(copy / "pairs" / "LR" / f"{stem}.png", pixels.integers(0, 256, (20, 24, 3), np.uint8))
            for folder in ("pairs/HR", "my results/given"):
                write_png(copy / folder / f"{stem}.png", pixels.integers(0, 256, (80, 96, 3), np.uint8))
        config = ("--config", "paths={given: pairs}", "metrics=[psnr, ssim]", "--")
        target = f"runs/demo/evaluate/{rng.choice(['mine', 'bicubic'])}/given.csv"
        code, output = sandbox.run(("-m", "snakemake", "--cores", "1", *config, target), copy)
        outcome = judge(code, output)
        if list(copy.rglob("proof")):
            return f"images {stems}", Outcome("executed", target)
        if outcome.verdict == "accepted":
            text = (copy / target).read_text(encoding="utf-8")
            kept = all(stem.replace('"', '""') in text for stem in stems)
            outcome = Outcome("carried through") if kept else Outcome("another name", target)
    return f"images {stems}", outcome
