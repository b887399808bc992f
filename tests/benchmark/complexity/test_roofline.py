"""Roofline: bytes of a network, and what bounds it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.complexity import roofline
from benchmark.complexity.flops import count_operators
from benchmark.complexity.specs import RooflineSpec
from osediff.common.profiling import ProfiledModule
from osediff.profiling.networks import osediff_modules
from tests.helpers import ROOT


def test_bytes_are_weights_once_and_what_each_layer_reads_and_writes() -> None:
    network = nn.Sequential(nn.Linear(10, 20, bias=False), nn.ReLU())
    # 200 weights; 3x10 in and 3x20 out of the linear layer, 3x20 in and out of the ReLU.
    profiled = ProfiledModule("one", network, (torch.zeros(3, 10),))
    assert roofline.count_bytes(profiled, 4) == 4 * (200 + 30 + 60 + 60 + 60)


@pytest.mark.slow
def test_a_network_is_bound_by_the_slower_of_arithmetic_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device of 1 T operations and 1 GB a second, where every network takes one second."""
    monkeypatch.setattr(roofline, "measure_rates", lambda device, dtype: (1e12, 1e9))
    monkeypatch.setattr(roofline, "median_seconds", lambda call, device: 1.0)
    backbone = str(ROOT / "backbones" / "demo")
    spec = RooflineSpec(
        title="OSEDiff (demo)",
        size=64,
        modules="osediff.profiling.networks:osediff_modules",
        options={"backbone": backbone, "extractor": False},
        precision="fp32",
    )
    rows = {row.values["network"]: row.values for row in roofline.measure_table(spec, "cpu").rows}
    with torch.device("meta"):
        unet = osediff_modules(64, backbone)[1]
    arithmetic, memory = 2 * count_operators(unet).total / 1e12, roofline.count_bytes(unet, 4) / 1e9
    assert rows["UNet"]["bound by"] == ("arithmetic" if arithmetic > memory else "memory")
    assert float(str(rows["UNet"]["bound (ms)"])) == pytest.approx(1e3 * max(arithmetic, memory), abs=0.06)
    assert rows["UNet"]["measured (ms)"] == "1000.0" and rows["UNet"]["achieved"] == f"{max(arithmetic, memory):.0%}"
    assert rows["all"]["measured (ms)"] == "4000.0"
