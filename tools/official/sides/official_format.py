"""Adapters of random numbers, as a checkpoint folder of ours and as a .pkl of the official code: the same weights."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from osediff.common.files import write_json
from osediff.models import backbone as backbones
from osediff.models.adapter_files import save_adapters
from osediff.models.adapter_names import GENERATOR, REGULARIZER
from osediff.models.generator import Generator
from osediff.recipe import LoraTargets, ModelRecipe

RECIPE = ModelRecipe(
    rank_vae=4,
    rank_unet=4,
    alpha=8,
    lora_targets=LoraTargets(vae_encoder=True, vae_decoder=False, unet=True),
    scale_factor=4,
    process_size=512,
    color_fix="adain",
)
# Which of the official code's adapters a layer of the UNet belongs to, by the beginning of its name.
GROUPS = {"down_blocks.": "encoder", "conv_in": "encoder", "up_blocks.": "decoder", "conv_out": "decoder"}


def group(layer: str) -> str:
    """Return the official code's adapter for a layer of the UNet."""
    return next((name for start, name in GROUPS.items() if layer.startswith(start)), "others")


def official_name(name: str) -> str:
    """Return the official code's name, in its network, of our parameter ``name``."""
    network, _, rest = name.partition(".")
    layer, _, tail = rest.partition(".lora_")
    if not tail:
        return rest.replace("conv_in.", "conv_in.base_layer.")
    adapter = "encoder" if network == "vae" else group(layer)
    return re.sub(rf"\.({GENERATOR}|{REGULARIZER})\.", f".default_{adapter}.", rest)


def write(backbone: Path, folder: Path, pickled: Path, size: float = 0.02) -> None:
    """Write both forms of one generator on ``backbone`` whose LoRA is normal with deviation ``size``."""
    generator = Generator(backbones.load(backbone), RECIPE)
    parameters = generator.parameters()
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in parameters.items():
            if ".lora_" in name:
                parameter.copy_(size * torch.randn(parameter.shape, generator=random))
    folder.mkdir(parents=True, exist_ok=True)
    save_adapters(folder / "adapters.safetensors", parameters)
    write_json(folder / "recipe.json", RECIPE.model_dump(mode="json"))

    unet: dict[str, torch.Tensor] = {}
    vae: dict[str, torch.Tensor] = {}
    layers: dict[str, set[str]] = {"encoder": set(), "decoder": set(), "others": set(), "vae": set()}
    for name, parameter in parameters.items():
        network, _, rest = name.partition(".")
        layer, _, tail = rest.partition(".lora_")
        (vae if network == "vae" else unet)[official_name(name)] = parameter.detach()
        if tail:
            layers["vae" if network == "vae" else group(layer)].add(layer)
    content = {
        "rank_unet": RECIPE.rank_unet,
        "rank_vae": RECIPE.rank_vae,
        **{f"unet_lora_{name}_modules": sorted(layers[name]) for name in ("encoder", "decoder", "others")},
        "vae_lora_encoder_modules": sorted(layers["vae"]),
        "state_dict_unet": unet,
        "state_dict_vae": vae,
    }
    torch.save(content, pickled)
