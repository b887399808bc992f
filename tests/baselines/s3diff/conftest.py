"""Stand-ins for S3Diff's classes and functions, and random weights for a tiny Stable Diffusion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from baselines.runner.adapters import Layout
from baselines.runner.descriptor import read_descriptor
from baselines.s3diff import adapter, networks


class Estimator(nn.Module):
    """Gives the mean of an image, times its weight, as both degrees of degradation."""

    def __init__(self, num_in_ch: int, num_degradation: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(num_degradation, 1))

    def forward(self, image: Tensor) -> Tensor:
        return self.weight[:, 0][None] * image.mean()


class Network(nn.Module):
    """Halves the contrast of its input, on CUDA by name; it notes how it is made and called."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.arguments, self.calls = arguments, list[dict[str, Any]]()
        self.layer = nn.Linear(1, 1).cuda()

    def set_eval(self) -> None:
        self.eval()

    def forward(self, image: Tensor, degradation: Tensor, **prompts: Any) -> Tensor:
        self.calls.append({"image": image, "degradation": degradation, "training": self.training, **prompts})
        return image * torch.tensor(0.5, device="cuda")


@pytest.fixture
def official(stand_in: Callable[..., None]) -> SimpleNamespace:
    """What the adapter made of the stand-ins: ``networks``, and ``colors``, pairs of target and source."""
    made = SimpleNamespace(networks=[], colors=[])

    def make(**arguments: Any) -> Network:
        made.networks.append(Network(**arguments))
        return made.networks[-1]  # type: ignore[no-any-return]

    def correct(target: Image.Image, source: Image.Image) -> Image.Image:
        made.colors.append((target, source))
        return target

    stand_in("s3diff_tile", S3Diff=make)
    stand_in("model", my_lora_fwd=None)
    stand_in("de_net", DEResNet=Estimator)
    stand_in("utils.wavelet_color", wavelet_color_fix=correct)
    return made


@pytest.fixture
def options() -> adapter.Options:
    """The settings of the descriptor."""
    return adapter.Options(**read_descriptor("s3diff").values)  # type: ignore[arg-type]


@pytest.fixture
def sources(
    tmp_path: Path,
    options: adapter.Options,
    official: SimpleNamespace,
    write_weights: Callable[[Layout], Path],
    tiny_stable_diffusion_2: None,
) -> Path:
    """A folder with an empty checkout, the configurations of the backbone, and both checkpoints."""
    (tmp_path / "S3Diff").mkdir()
    files = adapter.layout(tmp_path, options)
    needed = [
        options.checkpoint,
        networks.ESTIMATOR,
        *(f"{networks.BASE}/{part}/config.json" for part in ("unet", "vae")),
    ]
    return write_weights({path: files[path] for path in needed})
