"""A stand-in for TSD-SR's test script, and random weights for a tiny Stable Diffusion 3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from torch import Tensor
from torch.nn import functional

from baselines.runner.adapters import Layout
from baselines.runner.descriptor import read_descriptor
from baselines.tsdsr import adapter


@pytest.fixture
def script(stand_in: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The stand-in. It halves the contrast of an image, and notes its calls and the pairs of the color correction."""
    from diffusers import AutoencoderKL

    def main(args: SimpleNamespace, image: Tensor, size: tuple[int, int]) -> Tensor:
        made.calls.append({"args": args, "image": image, "size": size})
        return functional.interpolate(image, size)[0] - 0.5

    def correct(target: Image.Image, source: Image.Image) -> Image.Image:
        made.colors.append((target, source))
        return target

    def import_file(name: str, path: Path) -> SimpleNamespace:
        made.imported = (name, path)
        return made

    made = SimpleNamespace(AutoencoderKL=AutoencoderKL, main=main, adain_color_fix=correct, calls=[], colors=[])
    stand_in("models.autoencoder_kl", AutoencoderKL=AutoencoderKL)
    monkeypatch.setattr(adapter, "import_file", import_file)
    return made


@pytest.fixture
def options() -> adapter.Options:
    """The settings of the descriptor, but images of 128 pixels or more."""
    return adapter.Options(**{**read_descriptor("tsdsr").values, "process_size": 128})  # type: ignore[arg-type]


@pytest.fixture
def sources(
    tmp_path: Path,
    options: adapter.Options,
    script: SimpleNamespace,
    write_weights: Callable[[Layout], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder with an empty checkout and all files of weights; the networks have almost no width."""
    sizes: dict[str, dict[str, Any]] = {
        "TRANSFORMER": {"num_layers": 2, "num_attention_heads": 2, "attention_head_dim": 4, "joint_attention_dim": 8},
        "VAE": {"block_out_channels": [4, 4, 4, 4], "norm_num_groups": 2, "layers_per_block": 1},
    }
    sizes["TRANSFORMER"] |= {"caption_projection_dim": 8, "pooled_projection_dim": 6, "pos_embed_max_size": 16}
    for name, changes in sizes.items():
        monkeypatch.setattr(adapter, name, getattr(adapter, name) | changes)
    (tmp_path / "TSD-SR").mkdir()
    return write_weights(adapter.layout(tmp_path, options))
