"""Run an official script as a person does, on networks of less width."""

from __future__ import annotations

import runpy
import sys
from typing import Any

import torch

from baselines.shared import stable_diffusion_2


def narrow_stable_diffusion_2() -> None:
    """Let the adapter lay out a Stable Diffusion 2.1 of less width, from which both sides load."""
    heads = {"attention_head_dim": [2, 4, 4, 4], "cross_attention_dim": 64}
    stable_diffusion_2.UNET.update(block_out_channels=[32, 64, 128, 128], **heads)
    stable_diffusion_2.VAE.update(block_out_channels=[32, 32, 64, 64])
    small = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    stable_diffusion_2.TEXT.update(small)


def run_script(path: str, options: dict[str, Any]) -> None:
    """Run a script as a person does, with ``options`` on its command line; None is the value of a mere flag."""
    words = ([f"--{name}", *([] if value is None else [str(value)])] for name, value in options.items())
    sys.argv = [path, *(word for pair in words for word in pair)]
    runpy.run_path(path, run_name="__main__")


def seed_before(owner: Any, method: str, seed: int) -> None:
    """Let ``method`` of a class start with seeded generators: what is loaded before draws random numbers, too."""
    official = getattr(owner, method)

    def seeded(self: Any, *arguments: Any, **options: Any) -> Any:
        torch.manual_seed(seed)
        return official(self, *arguments, **options)

    setattr(owner, method, seeded)
