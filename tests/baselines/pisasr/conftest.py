"""Stand-ins for PiSA-SR's class and color correction, and random weights for a tiny Stable Diffusion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from torch import Tensor, nn

from baselines.pisasr import adapter
from baselines.runner.adapters import Layout
from baselines.runner.descriptor import read_descriptor


@pytest.fixture
def official(stand_in: Callable[..., None]) -> SimpleNamespace:
    """What the adapter made of the stand-ins: ``networks``, and ``colors``, pairs of target and source."""
    made = SimpleNamespace(networks=[], colors=[])

    class Network(nn.Module):
        """Halves the contrast of its input; the official constructor would build networks on CUDA."""

        def __init__(self) -> None:
            raise AssertionError("the official constructor")

        def _init_tiled_vae(self, **tiles: int) -> None:
            self.tiles, self.calls = tiles, list[dict[str, Any]]()
            made.networks.append(self)

        def forward(self, default: bool, image: Tensor, prompt: str) -> tuple[None, Tensor]:
            self.calls.append({"default": default, "image": image, "prompt": prompt})
            return None, image / 2

    def correct(target: Image.Image, source: Image.Image) -> Image.Image:
        made.colors.append((target, source))
        return target

    stand_in("pisasr", PiSASR_eval=Network)
    stand_in("src.my_utils.wavelet_color_fix", adain_color_fix=correct)
    return made


@pytest.fixture
def options() -> adapter.Options:
    """The settings of the descriptor, but images of 128 pixels or more."""
    return adapter.Options(**{**read_descriptor("pisasr").values, "process_size": 128})  # type: ignore[arg-type]


@pytest.fixture
def sources(
    tmp_path: Path,
    options: adapter.Options,
    write_weights: Callable[[Layout], Path],
    tiny_stable_diffusion_2: None,
) -> Path:
    """A folder with an empty checkout and all files of weights."""
    (tmp_path / "PiSA-SR").mkdir()
    return write_weights(adapter.layout(tmp_path, options))
