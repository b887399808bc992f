"""torch.compile: without a compiler the networks stay as they are and a line says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from osediff.common.errors import InputError
from osediff.models.compilation import compile_networks, compiler_problem
from osediff.recipe import Compile


class Network(nn.Linear):
    """Remembers how it was compiled."""

    def __init__(self) -> None:
        super().__init__(2, 2)
        self.options: list[dict[str, Any]] = []

    def compile(self, **options: Any) -> None:
        self.options.append(options)


def backbone() -> Any:
    return SimpleNamespace(vae=SimpleNamespace(encoder=Network(), decoder=Network()), unet=Network())


def test_the_networks_are_compiled_on_a_gpu_with_cuda_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osediff.models.compilation.compiler_problem", lambda device: "")
    ways: list[tuple[str, Compile, str]] = [
        ("cuda:1", "cuda-graphs", "reduce-overhead"),
        ("cuda", "default", "default"),
        ("cpu", "default", "default"),
    ]
    for device, how, mode in ways:
        networks = backbone()
        assert compile_networks(networks, device, how)
        for network in (networks.vae.encoder, networks.unet, networks.vae.decoder):
            assert network.options == [{"mode": mode, "dynamic": False}]


def test_without_a_compiler_a_line_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(function: Any) -> Any:
        raise RuntimeError("no C++ compiler\nand more")

    monkeypatch.setattr(torch, "compile", broken)
    networks = backbone()
    assert compiler_problem("cpu") == "no C++ compiler"
    assert not compile_networks(networks, "cpu", "default") and networks.unet.options == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "torch.compile: no compiler for cpu (no C++ compiler); the networks run uncompiled"


def test_none_does_nothing_and_cuda_graphs_need_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osediff.models.compilation.compiler_problem", lambda device: pytest.fail("was asked for"))
    networks = backbone()
    assert not compile_networks(networks, "cuda", "none") and networks.unet.options == []
    with pytest.raises(InputError, match="compile: cuda-graphs needs a GPU and the device is cpu"):
        compile_networks(networks, "cpu", "cuda-graphs")
