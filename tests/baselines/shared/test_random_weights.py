"""Random weights: the same for a seed, in the official layout, and whatever has values keeps them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from baselines.runner.adapters import import_adapter
from baselines.runner.descriptor import read_descriptor
from baselines.shared import random_weights
from baselines.shared.upstream_code import build_on_meta, load_weights, read_checkpoint


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_random_weights_are_the_same_for_a_seed_and_buffers_keep_their_values(name: str, tmp_path: Path) -> None:
    network = build_on_meta(lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))
    written = []
    for folder, seed in (("first", 0), ("again", 0), ("other", 1)):
        path = tmp_path / folder / name
        random_weights.write_random(path, network.state_dict(), seed)
        written.append(read_checkpoint(path))
    assert torch.equal(written[0]["0.weight"], written[1]["0.weight"])
    assert not torch.equal(written[0]["0.weight"], written[2]["0.weight"])
    assert written[0]["0.weight"].std() == pytest.approx(27**-0.5, rel=0.2)
    assert written[0]["1.running_var"].tolist() == [1.0] * 8
    assert load_weights(network, written[0], path)(torch.ones(1, 3, 4, 4)).isfinite().all()


@pytest.mark.parametrize("name", ["bsrgan", "real-esrgan", "realesr-general-x4v3", "femasr"])
def test_the_command_writes_weights_that_the_adapter_restores_with(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "femasr":
        pytest.importorskip("spandrel_extra_arches")
    monkeypatch.setattr("sys.argv", ["random_weights", "--baseline", name, "--sources", str(tmp_path)])
    random_weights.main()
    descriptor = read_descriptor(name)
    restore = import_adapter(name, descriptor.runs.entry, descriptor.values).load(tmp_path, "cpu", tmp_path)
    assert restore(np.zeros((8, 8, 3), np.uint8), "a", 0).shape == (32, 32, 3)
    random_weights.main()
    assert "exists already, not changed" in capsys.readouterr().out
