"""The GAN methods' adapters on checkpoints with random weights, in the official key layouts.

The reference network is written here from the papers' description, with the official parameter names; FeMaSR's
reference are pixels that the official code gave. Both are compared after rounding, as written to disk.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.runner import descriptor
from baselines.shared import feedforward
from baselines.shared import random_weights as randomize
from benchmark.complexity.flops import count_modules
from osediff.common.errors import InputError

LR = np.random.default_rng(0).integers(0, 256, (20, 12, 3), np.uint8)
# Parameter names: of the blocks, the dense blocks in them, and the convolutions after them, in order.
LAYOUTS = {
    "bsrgan": ("RRDB_trunk", "RDB", ["trunk_conv", "upconv1", "upconv2", "HRconv", "conv_last"]),
    "real-esrgan": ("body", "rdb", ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]),
    "ldl": ("body", "rdb", ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]),
}
WRAPPED = {"bsrgan": None, "real-esrgan": "params_ema", "ldl": "params"}
WIDTH, GROWTH, BLOCKS = 8, 32, 2  # spandrel takes 32 for granted
OUTPUT = 0.04  # scale of the random weights of FeMaSR's last layer


def rrdb_weights(name: str) -> dict[str, Tensor]:
    """Random weights of a small RRDBNet, named as in the official checkpoint of ``name``."""
    blocks, dense, rest = LAYOUTS[name]
    shapes = {"conv_first": (WIDTH, 3)}
    for block in range(BLOCKS):
        for inner in (1, 2, 3):
            for conv in range(1, 6):
                out = WIDTH if conv == 5 else GROWTH
                shapes[f"{blocks}.{block}.{dense}{inner}.conv{conv}"] = (out, WIDTH + (conv - 1) * GROWTH)
    shapes |= {conv: (3 if conv == "conv_last" else WIDTH, WIDTH) for conv in rest}
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for key, (out, into) in shapes.items():
        weights[f"{key}.weight"] = torch.randn(out, into, 3, 3, generator=generator) / (3 * into**0.5)
        weights[f"{key}.bias"] = torch.randn(out, generator=generator) * 0.1
    weights["conv_last.bias"] += 0.5
    return weights


def rrdb(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """The residual-in-residual dense network of ESRGAN (section 3.1), x4 by two nearest doublings."""
    blocks, dense, (trunk, *ups, high, last) = LAYOUTS[name]

    def conv(key: str, of: Tensor) -> Tensor:
        return F.conv2d(of, weights[f"{key}.weight"], weights[f"{key}.bias"], padding=1)

    features = y = conv("conv_first", x)
    for block in range(BLOCKS):
        before = y
        for inner in (1, 2, 3):
            seen = [y]
            for index in range(1, 5):
                key = f"{blocks}.{block}.{dense}{inner}.conv{index}"
                seen.append(F.leaky_relu(conv(key, torch.cat(seen, 1)), 0.2))
            y = y + 0.2 * conv(f"{blocks}.{block}.{dense}{inner}.conv5", torch.cat(seen, 1))
        y = before + 0.2 * y
    y = features + conv(trunk, y)
    for up in ups:
        y = F.leaky_relu(conv(up, y.repeat_interleave(2, 2).repeat_interleave(2, 3)), 0.2)
    return conv(last, F.leaky_relu(conv(high, y), 0.2))


def checkpoint(sources: Path, name: str, content: Any) -> None:
    """Saves a checkpoint where the descriptor of baseline ``name`` says."""
    path = sources / "weights" / descriptor.settings(descriptor.read(name))["checkpoint"]
    path.parent.mkdir(exist_ok=True)
    torch.save(content, path)


def restored(sources: Path, name: str, lr: np.ndarray = LR) -> np.ndarray:
    """``lr`` restored by the adapter that the descriptor names."""
    adapter = feedforward.load(sources, descriptor.settings(descriptor.read(name)), "cpu", sources)
    return adapter(lr, "a", 0)


def as_written(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] as the 8-bit pixels that it stands for."""
    return np.clip(image[0].numpy().transpose(1, 2, 0).astype(np.float64) * 255, 0, 255).round()


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_official_key_layouts_give_the_networks_of_the_papers(tmp_path: Path, name: str) -> None:
    weights = rrdb_weights(name)
    key = WRAPPED[name]
    checkpoint(tmp_path, name, {key: weights} if key else weights)
    reference = rrdb(weights, name, torch.from_numpy(LR.transpose(2, 0, 1) / 255).float()[None])
    sr = restored(tmp_path, name)
    assert sr.shape == (80, 48, 3) and sr.dtype == np.uint8 and sr.std() > 20
    assert np.abs(sr - as_written(reference)).max() <= 1  # of 255: sums in another order, then rounded


def test_the_compact_network_adds_to_repeated_pixels(tmp_path: Path) -> None:
    weights: dict[str, Tensor] = {}
    for layer in range(34):  # convolution and PReLU in turn; all zero
        out, into = (48 if layer == 33 else 64), (3 if layer == 0 else 64)
        weights[f"body.{2 * layer}.weight"], weights[f"body.{2 * layer}.bias"] = (
            torch.zeros(out, into, 3, 3),
            torch.zeros(out),
        )
        if layer < 33:
            weights[f"body.{2 * layer + 1}.weight"] = torch.full((64,), 0.25)
    weights["body.66.bias"] += 10 / 255
    checkpoint(tmp_path, "realesr-general-x4v3", {"params": weights})
    expected = np.minimum(LR.repeat(4, 0).repeat(4, 1).astype(int) + 10, 255)
    assert np.array_equal(restored(tmp_path, "realesr-general-x4v3"), expected)


def test_another_network_or_scale_or_no_checkpoint_is_named(tmp_path: Path) -> None:
    checkpoint(tmp_path, "realesr-general-x4v3", rrdb_weights("bsrgan"))
    with pytest.raises(InputError, match=r"holds ESRGAN x4, needed is Compact x4"):
        restored(tmp_path, "realesr-general-x4v3")
    checkpoint(tmp_path, "bsrgan", {"epoch": torch.zeros(1)})
    with pytest.raises(InputError, match="holds no network that spandrel knows"):
        restored(tmp_path, "bsrgan")
    (tmp_path / "weights" / "BSRGAN.pth").write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match=r"BSRGAN\.pth: not a checkpoint of weights"):
        restored(tmp_path, "bsrgan")


def frozen(shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    """Random weights from a generator whose stream NumPy never changes, scaled by the number of inputs."""
    generator = np.random.RandomState(0)
    weights = {}
    for key, shape in sorted(shapes.items()):
        values = generator.standard_normal(shape) / max(1, int(np.prod(shape[1:]))) ** 0.5
        if len(shape) == 1:  # of a normalization, or a bias
            values = 0.1 * values + key.endswith("weight")
        weights[key] = torch.from_numpy(values.astype(np.float32))
    weights["out_conv.weight"] *= OUTPUT
    weights["out_conv.bias"] += 0.5  # so that few pixels are clipped
    return weights


@pytest.fixture(scope="module")
def femasr_reference() -> Any:
    """Shapes of FeMaSR's official checkpoint, and pixels that the official code gave with ``frozen`` as weights."""
    return json.loads((Path(__file__).parent / "femasr_reference.json").read_text())


@pytest.mark.parametrize("size", ["16x32", "20x12"])
def test_femasr_pads_as_its_own_code_does(tmp_path: Path, femasr_reference: Any, size: str) -> None:
    pytest.importorskip("spandrel_extra_arches")
    from spandrel_extra_arches.architectures.FeMaSR import FeMaSR

    from baselines.femasr import adapter

    # The official file has the buffers too, which the weights do not decide, and keys that inference ignores.
    buffers = dict(FeMaSR(codebook_params=[[32, 1024, 512]], LQ_stage=True, scale_factor=4).named_buffers())
    extra = {**buffers, "conv_semantic.0.weight": torch.zeros(4, 4, 1, 1)}
    checkpoint(tmp_path, "femasr", {"params": frozen(femasr_reference["shapes"]) | extra})
    height, width = map(int, size.split("x"))
    lr = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    restore = adapter.load(tmp_path, descriptor.settings(descriptor.read("femasr")), "cpu", tmp_path)
    sr = restore(lr, "a", 0)
    assert sr.shape == (4 * height, 4 * width, 3)
    official = np.array(femasr_reference["pixels"][size])
    assert official.std() > 20
    assert np.abs(sr[::7, ::7].astype(int) - official).max() <= 1


def test_femasr_is_padded_by_its_mirror_image_even_where_it_fits() -> None:
    from baselines.femasr import adapter

    for height, width in ((16, 32), (20, 12), (31, 47)):
        image = torch.rand(1, 3, height, width)
        below, right = 16 - height % 16, 16 - width % 16
        expected = np.pad(image.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="symmetric")
        assert np.array_equal(adapter.padded(image).numpy(), expected)


GAN = [*LAYOUTS, "realesr-general-x4v3", "femasr"]
# Parameters and 10^9 multiply-adds for 128x128 pixels: counted on the official RRDBNet, and by hand.
BY_HAND = 9 * 128**2 * (3 * 64 + 32 * 64 * 64 + 64 * 48) / 1e9
COUNTED = dict.fromkeys(LAYOUTS, (16_697_987, 293.7)) | {"realesr-general-x4v3": (1_213_296, BY_HAND)}


def of(name: str) -> Any:
    """The adapter's module of a baseline."""
    if name == "femasr":
        pytest.importorskip("spandrel_extra_arches")
    return importlib.import_module(descriptor.read(name)["runs"]["entry"].split(":")[0])


@pytest.mark.parametrize("name", GAN)
def test_random_weights_in_the_official_layout_restore(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = of(name)
    monkeypatch.setattr("sys.argv", ["randomize", "--baseline", name, "--sources", str(tmp_path)])
    randomize.main()
    restore = adapter.load(tmp_path, descriptor.settings(descriptor.read(name)), "cpu", tmp_path)
    assert restore(LR[:8, :8], "a", 0).shape == (32, 32, 3)


@pytest.mark.parametrize("name", GAN)
def test_profiled_modules_are_the_networks_that_run(name: str) -> None:
    modules = list(of(name).profiled_modules(Path(), descriptor.settings(descriptor.read(name)), 128))
    (row,) = count_modules(modules)
    if name == "femasr":
        # Of the official network, and on the padded image: 144x144.
        assert row.parameters / 1e6 == pytest.approx(34.06, abs=0.005)
        assert (row.macs + row.attention_macs) / 1e9 == pytest.approx(485, rel=0.01)
    else:
        assert row.parameters == pytest.approx(COUNTED[name][0], abs=1000)
        assert (row.macs + row.attention_macs) / 1e9 == pytest.approx(COUNTED[name][1], rel=0.003)
