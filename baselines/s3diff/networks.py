"""The code that is imported from S3Diff's checkout, and the layout of its checkpoints."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from baselines.runner.adapters import Contents
from baselines.runner.profiling import meta
from baselines.shared import stable_diffusion_2
from baselines.shared.lora import lora_layout
from baselines.shared.upstream_code import build_on_meta, check_weights, make_importable, provide, provide_packages
from osediff.common.errors import InputError
from osediff.common.tensor_files import read_pickled

BASE, ESTIMATOR = "sd-turbo", "s3diff/de_net.pth"
SCHEDULER = stable_diffusion_2.SCHEDULER | {"timestep_spacing": "trailing"}  # SD-Turbo: its one step is the last
UNET_LAYERS = ["to_k", "to_q", "to_v", "to_out.0", "conv", "conv1", "conv2", "conv_shortcut", "conv_out"]
UNET_LAYERS += ["proj_in", "proj_out", "ff.net.2", "ff.net.0.proj"]
VAE_LAYERS = r"^encoder\..*(conv1|conv2|conv_in|conv_shortcut|conv|conv_out|to_k|to_q|to_v|to_out\.0)$"
RANK_UNET, RANK_VAE = 32, 16  # defaults of the official scripts


def import_code(checkout: Path) -> SimpleNamespace:
    """Import the official classes and functions. The vendored basicsr is imported without its training code."""
    make_importable(checkout)
    sys.path.insert(1, str(checkout / "src"))
    provide_packages(checkout, "basicsr", "basicsr.archs")
    provide("basicsr.ops.dcn", ModulatedDeformConvPack=nn.Module, modulated_deform_conv=None)
    provide("basicsr.utils", get_root_logger=None)
    return SimpleNamespace(
        network=importlib.import_module("s3diff_tile").S3Diff,
        lora_forward=importlib.import_module("model").my_lora_fwd,
        estimator=importlib.import_module("de_net").DEResNet,
        color_fix=importlib.import_module("utils.wavelet_color").wavelet_color_fix,
    )


def choose_unet(layer: str) -> str | None:
    """Return the name of the adapter of a layer of the UNet; None if it has no LoRA."""
    return "default" if f".{layer}".endswith(tuple(f".{end}" for end in UNET_LAYERS)) else None


def choose_vae(layer: str) -> str | None:
    """Return the name of the adapter of a layer of the VAE; None if it has no LoRA."""
    return "vae_skip" if re.match(VAE_LAYERS, layer) else None


def lay_out_checkpoint(unet: Any, vae: Any) -> dict[str, Any]:
    """Return names and shapes of the official checkpoint for the networks of a backbone."""

    def linear(outputs: int, inputs: int, name: str = "0.") -> Contents:
        return {f"{name}weight": meta(outputs, inputs), f"{name}bias": meta(outputs)}

    lora = lora_layout(unet, RANK_UNET, choose_unet)
    lora |= {f"conv_in.{name}": value for name, value in unet.conv_in.state_dict().items()}
    modulation: dict[str, Contents] = {}
    for part, rank in (("vae", RANK_VAE), ("unet", RANK_UNET)):
        modulation[f"state_dict_{part}_de_mlp"] = linear(256, 256)
        modulation[f"state_dict_{part}_block_mlp"] = linear(64, 64)
        modulation[f"state_dict_{part}_fuse_mlp"] = linear(rank**2, 320, "")
    blocks = {"state_dict_vae_block": {"weight": meta(6, 64)}, "state_dict_unet_block": {"weight": meta(10, 64)}}
    return {
        "rank_unet": RANK_UNET,
        "unet_lora_target_modules": UNET_LAYERS,
        "state_dict_unet": lora,
        "rank_vae": RANK_VAE,
        "vae_lora_target_modules": VAE_LAYERS,
        "state_dict_vae": lora_layout(vae, RANK_VAE, choose_vae),
        "w": torch.linspace(-1, 1, 64),
        "state_embeddings": blocks,
        **modulation,
    }


def layout(sources: Path, checkpoint: str) -> dict[str, Contents | str]:
    """Return names and shapes of the official checkpoints, and the files of the backbone, by path."""
    backbone, code = stable_diffusion_2.build(), import_code(sources / "S3Diff")
    return {
        **stable_diffusion_2.layout(BASE),
        f"{BASE}/scheduler/scheduler_config.json": json.dumps(SCHEDULER),
        checkpoint: lay_out_checkpoint(backbone.unet, backbone.vae),
        ESTIMATOR: build_on_meta(lambda: code.estimator(num_in_ch=3, num_degradation=2)).state_dict(),
    }


def check_checkpoint(path: Path, folder: Path) -> None:
    """Compare the checkpoint at ``path`` with the official one for the backbone in ``folder``.

    The official code would leave a missing weight of the LoRA at its random start.

    Raises:
        InputError: the file is no checkpoint, or one of another network.
    """
    content = read_pickled(path)
    expected = lay_out_checkpoint(*(stable_diffusion_2.build_part(folder, part) for part in ("unet", "vae")))
    for name in expected:
        if not isinstance(content, Mapping) or name not in content:
            raise InputError(f"{path}: {name} is not in it; this is a checkpoint of another network, get it anew")
    check_weights(flatten(content), flatten(expected), path)


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Tensor]:
    """Return the tensors of nested mappings; their names are joined by points."""
    tensors: dict[str, Tensor] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            tensors |= flatten(value, f"{prefix}{name}.")
        elif isinstance(value, Tensor):
            tensors[f"{prefix}{name}"] = value
    return tensors
