"""A timed run of OSEDiff says what it includes, and includes what the protocol asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmark.complexity.specs import TimingProtocol
from osediff.common.errors import InputError
from osediff.profiling.timed_run import osediff_run

DEMO = str(Path(__file__).parents[3] / "backbones" / "demo")


def protocol(*includes: str) -> TimingProtocol:
    return TimingProtocol.model_validate(
        {
            "includes": includes,
            "precision": "fp32",
            "batch": 2,
            "warmup": 1,
            "runs": 1,
            "seconds": None,
            "statistic": "mean",
        }
    )


@pytest.mark.parametrize(
    ("includes", "line"),
    [
        (
            ("files", "upsampling", "prompt extraction", "text encoder", "color fix"),
            "VAE encoder, UNet, VAE decoder, files, upsampling, text encoder, color fix; without prompt extraction",
        ),
        ((), "VAE encoder, UNet, VAE decoder; without files, upsampling, prompt extraction, text encoder, color fix"),
    ],
)
def test_a_run_restores_and_says_what_it_includes(includes: tuple[str, ...], line: str) -> None:
    run, text = osediff_run(64, 2, "cpu", protocol(*includes), DEMO)
    sr = run()
    assert text == line  # the demo has no prompt extractor
    assert sr.shape == (2, 3, 64, 64) and torch.isfinite(sr).all()


def test_a_size_that_the_networks_cannot_take() -> None:
    with pytest.raises(InputError, match=r"of 100 pixels a side: the networks take multiples of \d+"):
        osediff_run(100, 1, "cpu", protocol(), DEMO)
