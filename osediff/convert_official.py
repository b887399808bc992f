"""Convert a checkpoint of the official code (a ``.pkl`` of cswry/OSEDiff at fcc4f09) from and to a checkpoint folder.

    python -m osediff.convert_official --from osediff.pkl --to FOLDER
    python -m osediff.convert_official --from FOLDER --to osediff.pkl

The file contains the LoRA of the UNet as three adapters (down, up and others), the LoRA of the VAE's encoder as one
adapter, the trained ``conv_in``, both ranks and the names of the layers. It does not contain alpha: the official code
uses PEFT's default of 8.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from osediff.common.errors import InputError, run
from osediff.common.files import JSON, atomic, sha256, write_json
from osediff.common.tensor_files import read_pickled
from osediff.models.adapter_files import read_adapters
from osediff.models.adapter_names import ADAPTERS, UNET_GROUPS
from osediff.outcome import PROVENANCE, Outcome, write_outcome
from osediff.recipe import OFFICIAL_PROCESS_SIZE, LoraTargets, ModelRecipe, read_model_recipe

ALPHA = 8  # PEFT's default
TARGETS = LoraTargets(vae_encoder=True, vae_decoder=False, unet=True)
NAMES = {"down": "encoder", "up": "decoder", "mid": "others"}  # of the UNet's groups in the file
RANKS = ("rank_unet", "rank_vae")
STATES = ("state_dict_unet", "state_dict_vae")
LAYERS = (*(f"unet_lora_{name}_modules" for name in NAMES.values()), "vae_lora_encoder_modules")


@dataclass(frozen=True)
class OfficialCheckpoint:
    """The content of a ``.pkl``: ranks, layers of each adapter, and tensors of both networks by official names."""

    rank_unet: int
    rank_vae: int
    layers: dict[str, list[str]]
    unet: dict[str, Tensor]
    vae: dict[str, Tensor]

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        ranks = {"rank_unet": self.rank_unet, "rank_vae": self.rank_vae}
        states = {"state_dict_unet": self.unet, "state_dict_vae": self.vae}
        with atomic(path) as temporary:
            torch.save({**ranks, **self.layers, **states}, temporary)


def adapter_of(layer: str) -> str:
    """Return the official code's adapter for a ``layer`` of the UNet: encoder, decoder or others."""
    return next(NAMES[key] for key, prefixes in UNET_GROUPS.items() if layer.startswith(prefixes))


def pack(adapters: dict[str, Tensor], recipe: ModelRecipe) -> OfficialCheckpoint:
    """Convert ``adapters``, by their names in adapters.safetensors, to the official form.

    If alpha is not 8, B is multiplied by alpha / 8.

    Raises:
        InputError: the official form cannot hold the variant of ``recipe``.
    """
    if recipe.lora_targets != TARGETS:
        raise InputError("official format: holds LoRA of the VAE encoder and the UNet, both and no other; lora_targets")
    states: dict[str, dict[str, Tensor]] = {"unet": {}, "vae": {}}
    layers: dict[str, set[str]] = {name: set() for name in LAYERS}
    for name, tensor in adapters.items():
        network, _, rest = name.partition(".")
        layer, lora, matrix = rest.partition(".lora_")
        if not lora:
            states[network][rest.replace("conv_in.", "conv_in.base_layer.")] = tensor
            continue
        adapter = "encoder" if network == "vae" else adapter_of(layer)
        layers[f"{network}_lora_{adapter}_modules"].add(layer)
        key = f"{layer}.lora_{matrix[0]}.default_{adapter}.weight"
        states[network][key] = tensor * (recipe.alpha / ALPHA) if matrix[0] == "B" else tensor
    names = {key: sorted(value) for key, value in layers.items()}
    return OfficialCheckpoint(recipe.rank_unet, recipe.rank_vae, names, states["unet"], states["vae"])


def unpack(stored: OfficialCheckpoint) -> tuple[dict[str, Tensor], ModelRecipe]:
    """Return adapters by their names in adapters.safetensors, and the recipe that restoration needs."""
    adapters = {}
    for network, state in (("unet", stored.unet), ("vae", stored.vae)):
        for key, tensor in state.items():
            name = key.replace(".base_layer.", ".")
            for adapter in NAMES.values():
                name = name.replace(f".default_{adapter}.", ".")
            adapters[f"{network}.{name}"] = tensor.float().contiguous()
    recipe = ModelRecipe(
        rank_vae=stored.rank_vae,
        rank_unet=stored.rank_unet,
        alpha=ALPHA,
        lora_targets=TARGETS,
        scale_factor=4,
        process_size=OFFICIAL_PROCESS_SIZE,
        color_fix="adain",
    )
    return adapters, recipe


def check_types(stored: dict[str, Any]) -> str:
    """Return the key of an official checkpoint whose value has a wrong type; empty if all are right."""
    for key in RANKS:
        if not isinstance(stored[key], int) or not 1 <= stored[key] <= 1280:
            return key
    for key in LAYERS:
        names = stored[key]
        if not isinstance(names, list | tuple | set) or not all(isinstance(name, str) for name in names):
            return key
    for key in STATES:
        if not isinstance(stored[key], dict):
            return key
        for name, tensor in stored[key].items():
            if not isinstance(name, str) or not isinstance(tensor, Tensor) or not tensor.isfinite().all():
                return f"{key}, {name}"
    return ""


def read_official(path: Path) -> OfficialCheckpoint:
    """Read an official ``.pkl``; no code in it is executed.

    Raises:
        InputError: the file is absent, damaged, or not an official checkpoint.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of the pickle protocol of a file that is no checkpoint
            stored = read_pickled(path)
    except InputError as error:
        raise InputError(f"{path}: not a readable checkpoint of the official code") from error
    keys = {*RANKS, *STATES, *LAYERS}
    if not isinstance(stored, dict) or not stored.keys() >= keys:
        raise InputError(f"{path}: not a checkpoint of the official code; it must hold {', '.join(sorted(keys))}")
    if wrong := check_types(stored):
        raise InputError(f"{path}: not a checkpoint of the official code; {wrong} is not what it should be")
    layers = {key: list(stored[key]) for key in LAYERS}
    return OfficialCheckpoint(stored["rank_unet"], stored["rank_vae"], layers, *(stored[key] for key in STATES))


def convert(source: Path, target: Path) -> None:
    """Convert a checkpoint folder ``source`` to the file ``target``, or a file to a folder."""
    if source.is_dir():
        pack(read_adapters(source), read_model_recipe(source / "recipe.json")).save(target)
        return
    adapters, recipe = unpack(read_official(source))
    target.mkdir(parents=True, exist_ok=True)
    with atomic(target / ADAPTERS, durable=True) as temporary:
        save_file(adapters, temporary)
    settings = recipe.model_dump(mode="json")
    write_json(target / "recipe.json", settings, durable=True)
    origin: dict[str, JSON] = {
        "converted_from": sha256(source),
        "adapters": sha256(target / ADAPTERS),
        "recipe": settings,
    }
    write_json(target / PROVENANCE, origin, durable=True)
    write_outcome(target, Outcome(converged=True))


def main() -> None:
    """Run the command line: a checkpoint of either form in, the other out."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--from", dest="source", type=Path, required=True, help="checkpoint folder or .pkl")
    parser.add_argument("--to", dest="target", type=Path, required=True, help=".pkl or checkpoint folder")
    args = parser.parse_args()
    convert(args.source, args.target)


if __name__ == "__main__":
    run(main)
