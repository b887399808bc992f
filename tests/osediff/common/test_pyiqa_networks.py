"""Networks of pyiqa: weights by name, nothing unpickled, nothing downloaded."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import pytest
import torch
from torch import nn

from osediff.common import pyiqa_networks
from osediff.common.errors import InputError


def test_several_files_fill_one_network_and_a_missing_parameter_is_an_error(tmp_path: Path) -> None:
    torch.save({"module.weight": torch.ones(2, 3)}, tmp_path / "a.pth")
    torch.save({"bias": torch.zeros(2)}, tmp_path / "b.pth")
    network = nn.Linear(3, 2)
    pyiqa_networks.fill(network, [tmp_path / "a.pth", tmp_path / "b.pth"])
    assert network.weight.eq(1).all() and network.bias.eq(0).all()
    with pytest.raises(RuntimeError, match="bias"):
        pyiqa_networks.fill(network, [tmp_path / "a.pth"])


def test_a_download_is_refused_by_its_address() -> None:
    before = os.environ.get("HF_HUB_OFFLINE")
    with pyiqa_networks.offline(), pytest.raises(OSError, match=r"wants to download http://127\.0\.0\.1:9/x"):
        urllib.request.urlopen("http://127.0.0.1:9/x")
    assert before in (None, os.environ["HF_HUB_OFFLINE"])


@pytest.mark.slow
def test_damaged_weights_are_one_line(tmp_path: Path) -> None:
    pytest.importorskip("pyiqa")
    (tmp_path / "a.safetensors").write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"a\.safetensors: not a readable file of weights .*get it anew") as error:
        pyiqa_networks.create("lpips", [tmp_path / "a.safetensors"])
    assert "\n" not in str(error.value)
