"""Checkpoints, checkouts and images of the baselines that run their authors' code; no checkout is needed here."""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from baselines.pasd import adapter as pasd
from baselines.pasd import captions
from baselines.resshift import adapter as resshift
from baselines.runner import descriptor
from baselines.runner.profiling import meta
from baselines.runner.worker import seed_all
from baselines.shared import cache as cached
from baselines.shared import random_weights as randomize
from baselines.shared import upstream_code as official
from benchmark.complexity.flops import count_modules
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule

DIFFUSION = {"stablesr": 200, "diffbir": 50, "seesr": 50, "pasd": 20, "resshift": 15, "sinsr": 1}


class Callback:
    """What a training framework leaves in a checkpoint; unpickling one is noticed."""

    made: ClassVar[list[str]] = []

    def __setstate__(self, state: dict[str, int]) -> None:
        self.made.append("unpickled")


@pytest.mark.parametrize(("name", "steps"), DIFFUSION.items())
def test_descriptors_have_the_steps_of_the_paper_and_a_checkout_at_a_commit(name: str, steps: int) -> None:
    found = descriptor.read(name)
    assert found["steps"] == steps
    assert found["source"]["checkout"]
    assert found["license"]["commercial"] == (name in ("diffbir", "seesr", "pasd"))


@pytest.mark.parametrize("name", DIFFUSION)
def test_an_adapter_without_its_checkout_says_so_in_one_line(name: str, tmp_path: Path) -> None:
    found = descriptor.read(name)
    module, function = found["runs"]["entry"].split(":")
    load = getattr(importlib.import_module(module), function)
    with pytest.raises(InputError, match="no checkout; `snakemake --cores 1 baseline_sources` clones it there"):
        load(tmp_path, descriptor.settings(found), "cpu", tmp_path / "cache")


def test_a_checkpoint_gives_its_weights_and_executes_nothing(tmp_path: Path) -> None:
    weights = {"module.a.weight": torch.arange(4.0)}
    torch.save({"state_dict": weights, "callbacks": Callback(), "epoch": np.float64(3)}, tmp_path / "lightning.ckpt")
    assert torch.equal(official.checkpoint(tmp_path / "lightning.ckpt")["a.weight"], torch.arange(4.0))
    assert not Callback.made
    (tmp_path / "page.ckpt").write_text("<html>not found</html>")
    with pytest.raises(InputError, match="not a checkpoint of weights"):
        official.checkpoint(tmp_path / "page.ckpt")
    with pytest.raises(InputError, match="no such file"):
        official.checkpoint(tmp_path / "absent.ckpt")


def test_a_network_is_filled_whole_or_refused() -> None:
    weights = {
        "net.weight": torch.full((2, 3), 0.5, dtype=torch.float16),
        "net.bias": torch.ones(2),
        "other": torch.ones(1),
    }
    network = official.filled(official.built(lambda: nn.Linear(3, 2)), weights, Path("w.pth"), "net.")
    assert network(torch.ones(1, 3)).tolist() == [[2.5, 2.5]]
    del weights["net.bias"]
    with pytest.raises(InputError, match=r"w\.pth: net\.bias is not in it"):
        official.filled(official.built(lambda: nn.Linear(3, 2)), weights, Path("w.pth"), "net.")
    with pytest.raises(InputError, match=r"net\.weight has the shape \(2, 3\)"):
        official.filled(official.built(lambda: nn.Linear(5, 2)), weights, Path("w.pth"), "net.")


def test_generators_follow_the_seed_of_an_image_or_run_on_in_a_stream() -> None:
    of_image = official.generators("cpu")
    assert torch.rand(2, generator=of_image(7)).tolist() == torch.rand(2, generator=of_image(7)).tolist()
    assert torch.rand(2, generator=of_image(7)).tolist() != torch.rand(2, generator=of_image(8)).tolist()
    seed_all(42)
    torch.rand(3)  # whatever was drawn from the global generator in between
    stream = official.generators("cpu")
    first, second = (torch.rand(1, generator=stream(None)).item() for _ in range(2))
    assert [first, second] == torch.rand(2, generator=torch.Generator().manual_seed(42)).tolist()


def test_a_checkout_goes_first_on_the_path_and_gets_no_compiled_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "an_official_module.py").write_text("NAME = 'official'\n")
    assert official.importable(tmp_path) == tmp_path
    assert importlib.import_module("an_official_module").NAME == "official"
    assert not list(tmp_path.rglob("*.pyc"))


def test_resshift_reflects_to_multiples_of_64_and_rounds() -> None:
    lr = torch.arange(70.0)[None, None, None].repeat(1, 3, 128, 1)
    padded = resshift.padded(lr)
    assert padded.shape == (1, 3, 128, 128)
    assert padded[0, 0, 0, 68:73].tolist() == [68.0, 69.0, 68.0, 67.0, 66.0]
    assert resshift.padded(lr[..., :64]).shape == (1, 3, 128, 64)
    with pytest.raises(InputError, match="an LR image of 32x128: this method needs sides of more than 32 pixels"):
        resshift.padded(lr[..., :32])
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(resshift.as_image(resshift.as_input(pixels, "cpu")), pixels)
    between = torch.tensor([-1.5, (100.6 / 255 - 0.5) / 0.5, 1.5]).reshape(1, 3, 1, 1)
    assert resshift.as_image(between).tolist() == [[[0, 101, 255]]]


def test_pasd_enlarges_fourfold_at_least_to_its_size_in_multiples_of_8() -> None:
    assert pasd.enlarged(Image.new("RGB", (128, 128)), 512).size == (512, 512)
    assert pasd.enlarged(Image.new("RGB", (100, 150)), 512).size == (512, 768)
    assert pasd.enlarged(Image.new("RGB", (131, 141)), 512).size == (520, 560)
    lr = Image.fromarray(np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8))
    assert np.array_equal(pasd.enlarged(lr, 512), lr.resize((512, 512), Image.Resampling.BICUBIC))


def test_captions_are_cleaned_and_kept_for_the_same_pixels_only(tmp_path: Path) -> None:
    assert captions.cleaned("a blurry, noisy street") == "a clear, clean street"
    lr, asked = np.zeros((4, 4, 3), np.uint8), []

    def ask() -> str:
        asked.append("asked")
        return f"caption {len(asked)}"

    assert [cached.text(tmp_path, lr, "a", ask) for _ in range(2)] == ["caption 1", "caption 1"]
    assert cached.text(tmp_path, lr + 1, "a", ask) == "caption 2"
    embedding = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    for _ in range(2):
        assert np.array_equal(cached.array(tmp_path, lr, "a", lambda: embedding), embedding)
    name = f"a-{hashlib.sha256(lr.tobytes()).hexdigest()[:12]}"
    assert {path.name for path in tmp_path.glob(f"{name}.*")} == {f"{name}.txt", f"{name}.npy"}


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_random_weights_are_the_same_for_a_seed_and_keep_what_has_values(name: str, tmp_path: Path) -> None:
    network = official.built(lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))
    written = []
    for seed in (0, 0, 1):
        path = tmp_path / str(seed) / name
        randomize.write(path, network.state_dict(), seed)
        written.append(official.checkpoint(path))
    assert torch.equal(written[0]["0.weight"], written[1]["0.weight"])
    assert not torch.equal(written[0]["0.weight"], written[2]["0.weight"])
    assert written[0]["0.weight"].std() == pytest.approx(27**-0.5, rel=0.2)
    assert written[0]["1.running_var"].tolist() == [1.0] * 8
    assert official.filled(network, written[0], path)(torch.ones(1, 3, 4, 4)).isfinite().all()


def test_macs_are_products_of_weights_and_of_attention_apart() -> None:
    convolution = official.built(lambda: nn.Conv2d(30, 80, 3, padding=1)).to("meta")

    class Attention(nn.Module):
        def forward(self, words: torch.Tensor) -> list[torch.Tensor]:
            return [nn.functional.scaled_dot_product_attention(words, words, words) for _ in range(20)]

    modules = [
        ProfiledModule("convolution", convolution, (meta(1, 30, 100, 100),), calls=2),
        ProfiledModule("attention", Attention(), (meta(1, 2, 500, 4),)),
    ]
    first, second = count_modules(modules)
    assert (first.macs, first.attention_macs) == (2 * 9 * 30 * 80 * 100 * 100, 0)
    assert first.parameters == 9 * 30 * 80 + 80
    assert (second.macs, second.attention_macs) == (0, 20 * 2 * 500 * 500 * 4 * 2)  # QK and AV


def test_networks_without_memory_share_what_they_share() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
            self.other.weight = self.one.weight

    network = official.built(Tied)
    assert sum(each.numel() for each in network.parameters()) == 16 + 4 + 4
    assert all(each.is_meta for each in network.parameters())
