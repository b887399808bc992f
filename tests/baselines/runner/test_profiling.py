"""A baseline's cost, beside the fake: its own code is timed and counted, and what breaks is a row that says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from benchmark.complexity.specs import CountSpec, TimingProtocol, TimingSpec
from osediff.common.settings import Settings, write
from tests.baselines.fake_baseline import Fake
from tests.helpers import ROOT


def run_command(fake: Fake, module: str, settings: Settings) -> tuple[subprocess.CompletedProcess[str], Any]:
    """``python -m module`` in the fake's copy, where ``benchmark`` is the repository's; and what it wrote."""
    write(fake.folder / "spec.yaml", settings)
    command = [sys.executable, "-m", module, "--spec", "spec.yaml", "--out", "cost.json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=fake.folder, env=environment, capture_output=True, text=True, check=False)
    record = fake.folder / "cost.json"
    return done, json.loads(record.read_text()) if record.exists() else None


def time_it(fake: Fake, batch: int = 1) -> tuple[subprocess.CompletedProcess[str], Any]:
    """The command that times the fake, and what it wrote."""
    settings = {"includes": (), "precision": "fp32", "batch": batch, "warmup": 1, "runs": 3, "seconds": None}
    spec = TimingSpec(
        title="Fake",
        steps=1,
        size=64,
        pipeline="baselines.runner.profiling:baseline_run",
        options={"baseline": "fake", "sources": "sources", "weights": "official"},
        protocol="authors",
        settings=TimingProtocol.model_validate(settings | {"statistic": "mean"}),
        precision=None,
        contain=True,
    )
    return run_command(fake, "benchmark.complexity.timing", spec)


def count_it(fake: Fake) -> tuple[subprocess.CompletedProcess[str], Any]:
    """The command that counts the fake, and what it wrote."""
    spec = CountSpec(
        title="Fake",
        steps=1,
        size=512,
        modules="baselines.runner.profiling:baseline_modules",
        options={"baseline": "fake", "sources": "sources"},
        lora=False,
        contain=True,
    )
    return run_command(fake, "benchmark.complexity.flops", spec)


def test_a_baseline_is_timed_by_its_own_code(fake: Fake) -> None:
    done, record = time_it(fake)
    assert done.returncode == 0, done.stderr
    assert (record["title"], record["precision"], record["times"]["runs"]) == ("Fake", None, 3)
    assert "all that its code does" in record["includes"] and "official weights" in record["includes"]


def test_nothing_is_fetched_while_it_is_timed(fake: Fake) -> None:
    fake.does("fetch load")
    _, record = time_it(fake)
    assert "wants to fetch from example.org" in record["failed"]


def test_a_baseline_that_breaks_is_a_row_and_missing_weights_are_an_error(fake: Fake) -> None:
    fake.edit("sr = lr.repeat(4, 0)", "sr = lr.repeat(nothing, 0)")
    done, record = time_it(fake)
    assert done.returncode == 0 and record["failed"].startswith("NameError: name 'nothing'") and record["times"] is None
    (fake.folder / "cost.json").unlink()
    (fake.folder / "sources" / "weights" / "fake.txt").unlink()
    done, record = time_it(fake)
    assert done.returncode == 2 and record is None
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ") and "fake.txt" in line]


def test_a_batch_is_refused(fake: Fake) -> None:
    done, record = time_it(fake, batch=2)
    assert done.returncode == 2 and record is None and "takes one at a time" in done.stderr


def test_a_baseline_is_counted_by_the_networks_that_its_adapter_names(fake: Fake) -> None:
    networks = """def profiled_modules(sources, settings, size):
    from torch import nn
    from baselines.runner.profiling import count_trainable, meta
    from osediff.common.profiling import ProfiledModule
    network = nn.Conv2d(3, 5, 1, bias=False, device="meta")
    yield ProfiledModule("network", network, (meta(1, 3, size, size),), calls=2, trainable=count_trainable(network))


def load("""
    fake.edit("def load(", networks)
    done, record = count_it(fake)
    assert done.returncode == 0, done.stderr
    (network,) = record["merged"]
    # 512 pixels are 128 LR pixels a side.
    assert (network["macs"], network["calls"]) == (2 * 128 * 128 * 3 * 5, 2)
    assert (network["parameters"], network["trainable_parameters"]) == (15, 15)


def test_a_count_that_breaks_is_a_record_and_no_networks_are_an_error(fake: Fake) -> None:
    done, record = count_it(fake)
    assert done.returncode == 2 and record is None
    assert "error: Fake: its adapter names no networks to count" in done.stderr
    fake.edit(
        "def load(", "def profiled_modules(sources, settings, size):\n    raise ImportError('no odd')\n\n\ndef load("
    )
    done, record = count_it(fake)
    assert done.returncode == 0 and record["failed"] == "ImportError: no odd"
