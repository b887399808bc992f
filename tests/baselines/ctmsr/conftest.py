"""A checkout of CTMSR with a network of one number, and a class that splits images."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from baselines.ctmsr.adapter import Options

NETWORK = """
import torch

calls = []

class EDMUNet(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.full((1,), factor))

    def forward(self, noisy, sigma, lr):
        calls.append((tuple(noisy.shape), float(sigma), tuple(lr.shape)))
        return self.gain * torch.nn.functional.interpolate(lr, scale_factor=4)
"""
SPLITTER = '''
class ImageSpliterTh:
    """Halves, one above the other."""

    def __init__(self, lr, size, stride, sf):
        self.settings = (size, stride, sf)
        self.tiles = [(half, index) for index, half in enumerate(lr.chunk(2, 2))]
        self.restored = {}

    def __iter__(self):
        return iter(self.tiles)

    def update(self, sr, place):
        self.restored[place] = sr

    def gather(self):
        import torch
        assert self.settings == (128, 96, 4)
        return torch.cat([self.restored[0], self.restored[1]], 2)
'''


@pytest.fixture
def options() -> Options:
    """The settings of a descriptor, with small tiles."""
    files = {"config": "options/test.yml", "checkpoint": "weights.pth"}
    return Options(**files, sigma=0.5, min_size=64, chop_size=128, chop_stride=96)


@pytest.fixture
def sources(tmp_path: Path, stand_in: object) -> Iterator[Path]:
    """A folder with the checkout and its weights. Afterwards, the modules of the checkout are forgotten."""
    for name in ("archs", "utils"):
        (tmp_path / "CTMSR" / "basicsr" / name).mkdir(parents=True)
    for name in ("basicsr", "basicsr/archs", "basicsr/utils"):
        (tmp_path / "CTMSR" / name / "__init__.py").write_text("raise ImportError('training code')\n")
    (tmp_path / "CTMSR" / "basicsr" / "archs" / "edm_unet_arch.py").write_text(NETWORK)
    (tmp_path / "CTMSR" / "basicsr" / "utils" / "util_image.py").write_text(SPLITTER)
    (tmp_path / "CTMSR" / "options").mkdir()
    (tmp_path / "CTMSR" / "options" / "test.yml").write_text("network_g: {type: EDMUNet, factor: 0.0}\n")
    (tmp_path / "weights").mkdir()
    torch.save({"params_ema": {"gain": torch.ones(1)}}, tmp_path / "weights" / "weights.pth")
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "basicsr"]:
        del sys.modules[name]
