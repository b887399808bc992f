"""Checkpoints, networks without memory, generators, and the import path; no checkout is needed here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from baselines.runner.worker import seed_all
from baselines.shared.upstream_code import (
    OnCPU,
    build_on_meta,
    import_file,
    load_weights,
    make_generators,
    make_importable,
    provide,
    provide_packages,
    read_checkpoint,
)
from osediff.common.errors import InputError


class Callback:
    """What a training framework leaves in a checkpoint; it notices when it is unpickled."""

    events: ClassVar[list[str]] = []

    def __setstate__(self, state: dict[str, int]) -> None:
        self.events.append("unpickled")


def test_a_checkpoint_gives_its_weights_and_executes_nothing(tmp_path: Path) -> None:
    weights = {"module.a.weight": torch.arange(4.0)}
    torch.save({"state_dict": weights, "callbacks": Callback(), "epoch": np.float64(3)}, tmp_path / "lightning.ckpt")
    assert torch.equal(read_checkpoint(tmp_path / "lightning.ckpt")["a.weight"], torch.arange(4.0))
    assert not Callback.events
    (tmp_path / "page.ckpt").write_text("<html>not found</html>")
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(InputError, match=r"page\.ckpt: not a readable file of weights"):
        read_checkpoint(tmp_path / "page.ckpt")
    with pytest.raises(InputError, match=r"list\.ckpt: holds no weights by name"):
        read_checkpoint(tmp_path / "list.ckpt")
    with pytest.raises(InputError, match="no such file"):
        read_checkpoint(tmp_path / "absent.ckpt")


def test_a_network_gets_all_its_weights_or_is_refused() -> None:
    weights = {
        "net.weight": torch.full((2, 3), 0.5, dtype=torch.float16),
        "net.bias": torch.ones(2),
        "other": torch.ones(1),
    }
    network = load_weights(build_on_meta(lambda: nn.Linear(3, 2)), weights, Path("w.pth"), "net.")
    assert network(torch.ones(1, 3)).tolist() == [[2.5, 2.5]]
    del weights["net.bias"]
    with pytest.raises(InputError, match=r"w\.pth: net\.bias is not in it"):
        load_weights(build_on_meta(lambda: nn.Linear(3, 2)), weights, Path("w.pth"), "net.")
    with pytest.raises(InputError, match=r"net\.weight has the shape \(2, 3\)"):
        load_weights(build_on_meta(lambda: nn.Linear(5, 2)), weights, Path("w.pth"), "net.")


def test_buffers_that_a_checkpoint_lacks_may_keep_their_values() -> None:
    weights = {"weight": torch.full((2,), 3.0), "bias": torch.zeros(2)}
    with pytest.raises(InputError, match="running_mean is not in it"):
        load_weights(build_on_meta(lambda: nn.BatchNorm1d(2)), weights, Path("w.pth"))
    network = load_weights(build_on_meta(lambda: nn.BatchNorm1d(2, eps=0)), weights, Path("w.pth"), buffers=False)
    assert network(torch.ones(1, 2)).tolist() == [[3.0, 3.0]]  # a new network has mean 0 and variance 1


def test_parameters_that_networks_share_stay_shared_without_memory() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight

    network = build_on_meta(Tied)
    assert sum(parameter.numel() for parameter in network.parameters()) == 16 + 4 + 4
    assert all(parameter.is_meta for parameter in network.parameters())


def test_a_network_that_computes_numbers_while_it_is_built_can_be_counted() -> None:
    # SwinIR does so, and networks are counted where the default device has no values.
    with torch.device("meta"):
        network = build_on_meta(lambda: nn.Dropout(torch.linspace(0, 0.5, 3)[1].item()))
    assert network.p == 0.25


def test_generators_follow_the_seed_of_an_image_or_run_on_in_a_stream() -> None:
    of_image = make_generators("cpu")
    assert torch.rand(2, generator=of_image(7)).tolist() == torch.rand(2, generator=of_image(7)).tolist()
    assert torch.rand(2, generator=of_image(7)).tolist() != torch.rand(2, generator=of_image(8)).tolist()
    seed_all(42)
    torch.rand(3)  # draws from the global generator change nothing
    stream = make_generators("cpu")
    first, second = (torch.rand(1, generator=stream(None)).item() for _ in range(2))
    assert [first, second] == torch.rand(2, generator=torch.Generator().manual_seed(42)).tolist()


def test_a_checkout_goes_first_on_the_path_and_gets_no_compiled_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "an_official_module.py").write_text("NAME = 'official'\n")
    assert make_importable(tmp_path) == tmp_path
    assert importlib.import_module("an_official_module").NAME == "official"
    assert not list(tmp_path.rglob("*.pyc"))


def test_code_that_names_cuda_runs_on_the_cpu() -> None:
    with OnCPU():
        made = [torch.zeros(2, device="cuda"), torch.tensor([1], device=torch.device("cuda"))]
        made += [torch.ones(2).cuda(), torch.ones(2).to("cuda", torch.float64), nn.Linear(2, 2).cuda().weight]
        made.append(nn.Linear(2, 2).to("cuda").weight)
    assert {one.device.type for one in made} == {"cpu"}
    assert made[3].dtype == torch.float64


def test_a_module_is_provided_only_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    provide("a_module_that_was_moved", Name=int)
    provide("a_module_that_was_moved", Name=str)
    assert importlib.import_module("a_module_that_was_moved").Name is int


def test_a_module_of_a_package_is_imported_without_its_training_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "training_suite" / "networks").mkdir(parents=True)
    for name in ("training_suite", "training_suite/networks"):
        (tmp_path / name / "__init__.py").write_text("raise ImportError('a training library')\n")
    (tmp_path / "training_suite" / "networks" / "unet.py").write_text("width = 3\n")
    names = ("training_suite", "training_suite.networks")
    for name in (*names, "training_suite.networks.unet"):
        monkeypatch.setitem(sys.modules, name, None)  # so that they are forgotten after the test
        del sys.modules[name]
    provide_packages(tmp_path, *names)
    assert importlib.import_module("training_suite.networks.unet").width == 3


def test_a_file_is_imported_under_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "json.official_decoder", None)
    (tmp_path / "decoder.py").write_text("from .scanner import py_make_scanner\n")  # beside the module of Python
    module = import_file("json.official_decoder", tmp_path / "decoder.py")
    assert module.py_make_scanner.__module__ == "json.scanner" and sys.modules["json.official_decoder"] is module
    with pytest.raises(ImportError, match=r"absent\.py: no such module"):
        import_file("json.absent", tmp_path / "absent.py")
