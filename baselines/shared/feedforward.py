"""Networks that restore in one pass (BSRGAN, Real-ESRGAN, LDL), loaded by spandrel from their official checkpoints.

The official scripts do the same around each of them: RGB / 255 in, clipped to [0, 1], times 255, rounded. Spandrel
builds the network that a checkpoint's keys describe, so nothing of the repositories is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import spandrel
import torch
from torch import Tensor, nn

from baselines.runner.profiling import count_trainable, meta
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule

SCALE = 4
# Names in the official checkpoints, by file: of the key that wraps the weights (none: nothing does), and of RRDBNet's
# blocks, dense blocks and further convolutions; Compact numbers its layers.
OLD = ("RRDB_trunk", "RDB", ("trunk_conv", "upconv1", "upconv2", "HRconv"))
NEW = ("body", "rdb", ("conv_body", "conv_up1", "conv_up2", "conv_hr"))
OFFICIAL = {
    "BSRGAN.pth": ("", OLD),
    "RealESRGAN_x4plus.pth": ("params_ema", NEW),
    "net_g_RealESRGAN+LDL.pth": ("params", NEW),
    "realesr-general-x4v3.pth": ("params", None),
}
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16}
Restore = Callable[[np.ndarray, str, int | None], np.ndarray]


def state_dict(path: Path) -> dict[str, Tensor]:
    """The weights in the checkpoint at ``path``, whatever they are wrapped in; nothing but tensors is unpickled."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: not a checkpoint of weights ({str(error).splitlines()[0]}); get it anew") from error
    return spandrel.canonicalize_state_dict(content)


def network(path: Path, architecture: str) -> nn.Module:
    """The network of the checkpoint at ``path``, in evaluation mode; InputError where it is not ``architecture``."""
    try:
        found = spandrel.ModelLoader().load_from_state_dict(state_dict(path))
    except (spandrel.UnsupportedModelError, RuntimeError, KeyError) as error:
        raise InputError(f"{path}: holds no network that spandrel knows; get it anew") from error
    if (found.architecture.id, found.scale) != (architecture, SCALE):
        have = f"{found.architecture.id} x{found.scale}"
        raise InputError(f"{path}: holds {have}, needed is {architecture} x{SCALE}; get the other file")
    module: nn.Module = found.model
    return module.eval().requires_grad_(False)


def as_batch(lr: np.ndarray, device: str, dtype: torch.dtype) -> Tensor:
    """uint8 (H, W, 3) as (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(lr.transpose(2, 0, 1).copy()).float().div(255)[None].to(device, dtype)


def as_image(batch: Tensor) -> np.ndarray:
    """(1, 3, H, W) as uint8 (H, W, 3), clipped and rounded half to even, as NumPy rounds in the official scripts."""
    return batch[0].float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()


def load(sources: Path, settings: dict[str, Any], device: str, cache: Path) -> Restore:
    """The restoring function of a baseline whose settings name ``checkpoint``, ``architecture`` and ``precision``."""
    dtype = PRECISIONS[settings["precision"]]
    model = network(sources / "weights" / settings["checkpoint"], settings["architecture"]).to(device, dtype)

    @torch.inference_mode()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        return as_image(model(as_batch(lr, device, dtype)))

    return restore


def rrdb(blocks: str, dense: str, rest: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of RRDBNet's convolutions in the published size: 64 features, 23 blocks, growth 32."""
    convolutions = {"conv_first": (64, 3)}
    for block in range(23):
        for inner in (1, 2, 3):
            for index in range(5):
                key = f"{blocks}.{block}.{dense}{inner}.conv{index + 1}"
                convolutions[key] = (64 if index == 4 else 32, 64 + 32 * index)
    return convolutions | dict.fromkeys(rest, (64, 64)) | {"conv_last": (3, 64)}


def compact() -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of SRVGGNetCompact's 34 convolutions; a PReLU stands between each and the next."""
    sizes = [(64, 3), *[(64, 64)] * 32, (3 * SCALE**2, 64)]
    return {f"body.{2 * index}": size for index, size in enumerate(sizes)}


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Names and shapes in the official checkpoint, by its path; the tensors are without values (meta device)."""
    wrapper, names = OFFICIAL[settings["checkpoint"]]
    convolutions = rrdb(*names) if names else compact()
    weights = {}
    for key, (out, into) in convolutions.items():
        weights[f"{key}.weight"] = torch.empty(out, into, 3, 3, device="meta")
        weights[f"{key}.bias"] = torch.empty(out, device="meta")
    if not names:
        weights |= {f"body.{2 * index + 1}.weight": torch.empty(64, device="meta") for index in range(33)}
    return {settings["checkpoint"]: {wrapper: weights} if wrapper else weights}


def profiled_modules(sources: Path, settings: dict[str, Any], size: int) -> Iterator[ProfiledModule]:
    """Yield the network, on the meta device, called for an LR image of ``size`` pixels a side; all of it is trained."""
    weights = spandrel.canonicalize_state_dict(layout(sources, settings)[settings["checkpoint"]])
    with torch.device("meta"):
        model: nn.Module = spandrel.ModelLoader("meta").load_from_state_dict(weights).model
    yield ProfiledModule("network", model, (meta(1, 3, size, size),), trainable=count_trainable(model))
