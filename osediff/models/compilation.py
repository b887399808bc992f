"""torch.compile of the networks for inference, on a GPU with CUDA graphs; without a compiler they stay as they are."""

from __future__ import annotations

import sys

import torch

from osediff.models.backbone import Backbone


def compile_networks(backbone: Backbone, device: str) -> bool:
    """Compile VAE encoder, UNet and VAE decoder in place; the first image of each size then takes a minute or so.

    Args:
        backbone: the networks, on ``device``, with LoRA merged.
        device: cpu, cuda or cuda:1.

    Returns:
        Whether they were compiled. If not, a line on standard error says why.
    """
    reason = compiler_problem(device)
    if reason:
        print(f"torch.compile: no compiler for {device} ({reason}); the networks run uncompiled", file=sys.stderr)
        return False
    # CUDA graphs spare launching some thousand kernels for an image; on a CPU there are none.
    mode = "reduce-overhead" if device.startswith("cuda") else "default"
    for network in (backbone.vae.encoder, backbone.unet, backbone.vae.decoder):
        network.compile(mode=mode, dynamic=False)
    return True


def compiler_problem(device: str) -> str:
    """Say in one line why nothing can be compiled for ``device``; empty where something can."""
    try:
        torch.compile(lambda x: x * 2 + 1)(torch.ones(2, device=device))
    except Exception as error:  # whatever a compiler that is absent or broken raises
        return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return ""
