"""The GAN methods' adapters on checkpoints with random weights, in the official key layouts.

The reference network is written here from the papers' description, with the official parameter names. Images are
compared after rounding, as written to disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.runner.adapters import Adapter, import_adapter
from baselines.runner.descriptor import read_descriptor
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


def load_adapter(name: str) -> Adapter:
    """The adapter of a baseline."""
    descriptor = read_descriptor(name)
    return import_adapter(name, descriptor.runs.entry, descriptor.values)


def save_checkpoint(sources: Path, name: str, content: Any) -> None:
    """Save a checkpoint where the descriptor of baseline ``name`` says."""
    path = sources / "weights" / str(read_descriptor(name).values["checkpoint"])
    path.parent.mkdir(exist_ok=True)
    torch.save(content, path)


def restore(sources: Path, name: str, lr: np.ndarray = LR) -> np.ndarray:
    """Restore ``lr`` by the adapter that the descriptor names."""
    return load_adapter(name).load(sources, "cpu", sources)(lr, "a", 0)


def as_written(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] as the 8-bit pixels that it stands for."""
    return np.clip(image[0].numpy().transpose(1, 2, 0).astype(np.float64) * 255, 0, 255).round()


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_official_key_layouts_give_the_networks_of_the_papers(tmp_path: Path, name: str) -> None:
    weights = rrdb_weights(name)
    key = WRAPPED[name]
    save_checkpoint(tmp_path, name, {key: weights} if key else weights)
    reference = rrdb(weights, name, torch.from_numpy(LR.transpose(2, 0, 1) / 255).float()[None])
    sr = restore(tmp_path, name)
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
    save_checkpoint(tmp_path, "realesr-general-x4v3", {"params": weights})
    expected = np.minimum(LR.repeat(4, 0).repeat(4, 1).astype(int) + 10, 255)
    assert np.array_equal(restore(tmp_path, "realesr-general-x4v3"), expected)


def test_another_network_or_scale_or_no_checkpoint_is_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, "realesr-general-x4v3", rrdb_weights("bsrgan"))
    with pytest.raises(InputError, match=r"holds ESRGAN x4, needed is Compact x4"):
        restore(tmp_path, "realesr-general-x4v3")
    save_checkpoint(tmp_path, "bsrgan", {"epoch": torch.zeros(1)})
    with pytest.raises(InputError, match="holds no network that spandrel knows"):
        restore(tmp_path, "bsrgan")
    (tmp_path / "weights" / "BSRGAN.pth").write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match=r"BSRGAN\.pth: not a readable file of weights"):
        restore(tmp_path, "bsrgan")


# Parameters and 10^9 multiply-adds for 128x128 pixels: counted on the official RRDBNet, and by hand.
BY_HAND = 9 * 128**2 * (3 * 64 + 32 * 64 * 64 + 64 * 48) / 1e9
COUNTED = {"bsrgan": (16_697_987, 293.7), "ldl": (16_697_987, 293.7), "realesr-general-x4v3": (1_213_296, BY_HAND)}


@pytest.mark.parametrize("name", COUNTED)
def test_the_profiled_network_is_the_published_one(name: str, tmp_path: Path) -> None:
    (count,) = count_modules(load_adapter(name).profiled_modules(tmp_path, 128))
    parameters, macs = COUNTED[name]
    assert count.parameters == count.trainable_parameters == pytest.approx(parameters, abs=1000)
    assert (count.macs + count.attention_macs) / 1e9 == pytest.approx(macs, rel=0.003)
