"""The cost of a baseline: its own code is timed and its networks are counted, in its process and without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.runner import profiling
from baselines.runner.descriptor import Descriptor
from baselines.runner.worker import refuse_network
from benchmark.complexity.flops import count_modules
from benchmark.complexity.specs import TimingProtocol, TimingSpec
from osediff.common.errors import InputError
from osediff.common.settings import write
from tests.baselines.fake_baseline import Fake
from tests.helpers import ROOT


def test_a_run_restores_an_image_of_the_size_by_its_own_code_without_a_network(
    inputs: Path, hooks: list[object]
) -> None:
    run, includes = profiling.baseline_run(64, 1, "cpu", None, "fake", str(inputs / "sources"), "official")
    assert run().shape == (64, 64, 3)
    assert not np.array_equal(run(), run())  # another name, another seed: no caption is reused
    assert "all that its code does" in includes and "official weights" in includes
    assert hooks == [refuse_network] and os.environ["HF_HUB_OFFLINE"] == "1"


def test_a_batch_and_missing_weights_are_refused(inputs: Path, hooks: list[object]) -> None:
    sources = str(inputs / "sources")
    with pytest.raises(InputError, match="fake: a batch of 2 images; its code takes one at a time"):
        profiling.baseline_run(64, 2, "cpu", None, "fake", sources, "official")
    (inputs / "sources" / "weights" / "fake.txt").unlink()
    with pytest.raises(InputError, match=r"fake\.txt: no such file"):
        profiling.baseline_run(64, 1, "cpu", None, "fake", sources, "official")
    assert hooks == []


@pytest.mark.slow
def test_the_command_times_a_baseline_in_its_process(fake: Fake) -> None:
    protocol: dict[str, Any] = {
        "includes": (),
        "precision": "fp32",
        "batch": 1,
        "warmup": 1,
        "runs": 3,
        "seconds": None,
    }
    spec = TimingSpec(
        title="Fake",
        steps=1,
        size=64,
        pipeline="baselines.runner.profiling:baseline_run",
        options={"baseline": "fake", "sources": "sources", "weights": "official"},
        protocol="official",
        settings=TimingProtocol.model_validate(protocol | {"statistic": "mean"}),
        precision=None,
        contain=True,
    )
    write(fake.folder / "spec.yaml", spec)
    command = [sys.executable, "-m", "benchmark.complexity.timing", "--spec", "spec.yaml", "--out", "cost.json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # the benchmark is the repository's
    ended = subprocess.run(command, cwd=fake.folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    record = json.loads((fake.folder / "cost.json").read_text())
    assert (record["title"], record["precision"], record["times"]["runs"]) == ("Fake", None, 3)


NETWORKS = """
from torch import nn
from baselines.runner.profiling import count_trainable, meta
from osediff.common.profiling import ProfiledModule


def profiled_modules(sources, options, size):
    network = nn.Sequential(nn.Conv2d(3, 5, 1, bias=False), nn.Conv2d(5, 3, 1)).to("meta")
    trained = count_trainable(network, ("1.",))
    yield ProfiledModule("network", network, (meta(1, 3, size, size),), calls=2, trainable=trained)
"""


def test_networks_are_counted_for_the_lr_image_of_an_sr_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hooks: list[object], fake_descriptor: Descriptor
) -> None:
    with pytest.raises(InputError, match="has no function profiled_modules"):
        profiling.baseline_modules(512, "fake", str(tmp_path))
    (tmp_path / "adapter_with_networks.py").write_text(NETWORKS)
    monkeypatch.syspath_prepend(tmp_path)
    runs = fake_descriptor.runs.model_copy(update={"entry": "adapter_with_networks:load"})
    descriptor = fake_descriptor.model_copy(update={"runs": runs})
    monkeypatch.setattr(profiling, "read_descriptor", lambda name: descriptor)
    (network,) = count_modules(profiling.baseline_modules(512, "fake", str(tmp_path)))
    # 512 pixels are 128 LR pixels a side.
    assert (network.macs, network.calls) == (2 * 128 * 128 * (3 * 5 + 5 * 3), 2)
    assert (network.parameters, network.trainable_parameters) == (15 + 15 + 3, 15 + 3)
