"""torch.compile of the networks for inference, on a GPU with CUDA graphs; without a compiler they stay as they are."""

from __future__ import annotations

import sys

import torch

from osediff.common.errors import InputError
from osediff.models.backbone import Backbone
from osediff.recipe import Compile

# Torch's names. CUDA graphs avoid launching some thousand kernels for an image; a CPU has no such launches.
MODES: dict[Compile, str] = {"default": "default", "cuda-graphs": "reduce-overhead"}


def compile_networks(backbone: Backbone, device: str, how: Compile) -> bool:
    """Compile VAE encoder, UNet and VAE decoder in place; the first image of each size then takes a minute or so.

    Images in tiles (osediff.models.tiling) call the parts of the VAE one by one, which are not compiled.

    Args:
        backbone: the networks, on ``device``, with LoRA merged.
        device: cpu, cuda or cuda:1.
        how: ``default``, ``cuda-graphs`` (on a GPU only), or ``none``, which does nothing.

    Returns:
        Whether they were compiled. If there is no compiler, a line on standard error says why.

    Raises:
        InputError: ``cuda-graphs`` on another device than a GPU.
    """
    if how == "none":
        return False
    if how == "cuda-graphs" and not device.startswith("cuda"):
        raise InputError(f"compile: cuda-graphs needs a GPU and the device is {device}; choose default or none")
    reason = compiler_problem(device)
    if reason:
        print(f"torch.compile: no compiler for {device} ({reason}); the networks run uncompiled", file=sys.stderr)
        return False
    for network in (backbone.vae.encoder, backbone.unet, backbone.vae.decoder):
        network.compile(mode=MODES[how], dynamic=False)
    return True


def compiler_problem(device: str) -> str:
    """Return in one line why nothing can be compiled for ``device``; empty if it can."""
    try:
        torch.compile(lambda x: x * 2 + 1)(torch.ones(2, device=device))
    except Exception as error:  # whatever a compiler that is absent or broken raises
        return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return ""
