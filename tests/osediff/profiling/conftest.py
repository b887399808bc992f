"""OSEDiff's networks of the paper's size, and what they compute."""

from __future__ import annotations

import pytest
import torch
import yaml

from benchmark.complexity.flops import OperatorCount, count_operators
from osediff.common.profiling import ProfiledModule
from osediff.profiling.networks import osediff_modules
from tests.helpers import ROOT


@pytest.fixture(scope="module")
def modules() -> dict[bool, list[ProfiledModule]]:
    """OSEDiff's networks on SD 2.1 at 512 pixels, LoRA merged and not, on the meta device."""
    backbones = yaml.safe_load((ROOT / "config" / "backbones.yaml").read_text())
    sizes = backbones["sd2.1-random"]["random"]["sizes"]
    with torch.device("meta"):
        return {merged: osediff_modules(512, sizes, merged=merged) for merged in (True, False)}


@pytest.fixture(scope="module")
def counts(modules: dict[bool, list[ProfiledModule]]) -> dict[bool, list[OperatorCount]]:
    """The operations of these networks, LoRA merged and not."""
    return {merged: [count_operators(network) for network in networks] for merged, networks in modules.items()}
