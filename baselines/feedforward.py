"""Networks that restore in one pass (BSRGAN, Real-ESRGAN, LDL), loaded by spandrel from their official checkpoints.

The official scripts do the same around each of them: RGB / 255 in, clipped to [0, 1], times 255, rounded. Spandrel
builds the network that a checkpoint's keys describe, so nothing of the repositories is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import spandrel
import torch
from torch import Tensor, nn

from contracts.errors import InputError

PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16}
Restore = Callable[[np.ndarray, str, int | None], np.ndarray]


def state_dict(path: Path) -> dict[str, Tensor]:
    """The weights in the checkpoint at ``path``, whatever they are wrapped in; nothing but tensors is unpickled."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: not a checkpoint of weights ({str(error).splitlines()[0]}); get it anew") from error
    return spandrel.canonicalize_state_dict(content)


def network(path: Path, architecture: str, scale: int) -> nn.Module:
    """The network of the checkpoint at ``path``, in evaluation mode; InputError where it is not ``architecture``."""
    try:
        found = spandrel.ModelLoader().load_from_state_dict(state_dict(path))
    except (spandrel.UnsupportedModelError, RuntimeError, KeyError) as error:
        raise InputError(f"{path}: holds no network that spandrel knows; get it anew") from error
    if (found.architecture.id, found.scale) != (architecture, scale):
        have = f"{found.architecture.id} x{found.scale}"
        raise InputError(f"{path}: holds {have}, needed is {architecture} x{scale}; get the other file")
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
    model = network(sources / "weights" / settings["checkpoint"], settings["architecture"], 4).to(device, dtype)

    @torch.inference_mode()
    def restore(lr: np.ndarray, stem: str, seed: int | None) -> np.ndarray:
        return as_image(model(as_batch(lr, device, dtype)))

    return restore
