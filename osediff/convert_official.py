"""The released code's checkpoint (a ``.pkl`` of cswry/OSEDiff at fcc4f09) from and to a checkpoint folder of ours.

    python -m osediff.convert_official --from osediff.pkl --to FOLDER
    python -m osediff.convert_official --from FOLDER --to osediff.pkl

The file holds the LoRA of the UNet as three adapters (down, up and the rest), that of the VAE's encoder as one, the
trained ``conv_in``, both ranks and the layers' names. It holds no alpha: its reader takes PEFT's default of 8.
"""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from osediff.common.errors import InputError, run
from osediff.common.files import atomic, read_json, sha256, write_json
from osediff.models.lora import UNET_GROUPS

ALPHA = 8  # PEFT's default
NAMES = {"down": "encoder", "up": "decoder", "mid": "others"}  # of the UNet's groups in the file
KEYS = {"rank_unet", "rank_vae", "state_dict_unet", "state_dict_vae", "vae_lora_encoder_modules"} | {
    f"unet_lora_{name}_modules" for name in NAMES.values()
}


def group(layer: str) -> str:
    """The released code's adapter for a ``layer`` of the UNet: encoder, decoder or others."""
    return next(NAMES[key] for key, starts in UNET_GROUPS.items() if layer.startswith(starts))


def pack(adapters: dict[str, Tensor], recipe: dict[str, Any]) -> dict[str, Any]:
    """What the released code stores, of ``adapters`` (by the names of adapters.safetensors) trained by ``recipe``.

    Another alpha than 8 goes into B. InputError for a variant that the released format cannot hold.
    """
    if recipe["tune"] != {"vae_encoder": True, "vae_decoder": False, "unet": True}:
        raise InputError("released format: holds LoRA of the VAE encoder and the UNet, both and no other; see 'tune'")
    states: dict[str, dict[str, Tensor]] = {"unet": {}, "vae": {}}
    layers: dict[str, set[str]] = {name: set() for name in (*NAMES.values(), "vae")}
    for name, tensor in adapters.items():
        network, _, rest = name.partition(".")
        layer, lora, matrix = rest.partition(".lora_")
        if not lora:
            states[network][rest.replace("conv_in.", "conv_in.base_layer.")] = tensor
            continue
        part = "vae" if network == "vae" else group(layer)
        layers[part].add(layer)
        key = f"{layer}.lora_{matrix[0]}.default_{'encoder' if part == 'vae' else part}.weight"
        states[network][key] = tensor * (recipe["alpha"] / ALPHA) if matrix[0] == "B" else tensor
    return {
        "rank_unet": recipe["rank_unet"],
        "rank_vae": recipe["rank_vae"],
        **{f"unet_lora_{name}_modules": sorted(layers[name]) for name in NAMES.values()},
        "vae_lora_encoder_modules": sorted(layers["vae"]),
        "state_dict_unet": states["unet"],
        "state_dict_vae": states["vae"],
    }


def unpack(stored: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Adapters by the names of adapters.safetensors, and what a recipe must say to restore with them."""
    adapters = {}
    for network in ("unet", "vae"):
        for key, tensor in stored[f"state_dict_{network}"].items():
            name = key.replace(".base_layer.", ".")
            for adapter in NAMES.values():
                name = name.replace(f".default_{adapter}.", ".")
            adapters[f"{network}.{name}"] = tensor.float().contiguous()
    recipe = {
        "rank_vae": stored["rank_vae"],
        "rank_unet": stored["rank_unet"],
        "alpha": ALPHA,
        "tune": {"vae_encoder": True, "vae_decoder": False, "unet": True},
        "scale_factor": 4,
        "process_size": 512,
        "color_fix": "adain",
    }
    return adapters, recipe


def read(path: Path) -> dict[str, Any]:
    """The content of a released ``.pkl``; no code in it is run."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, FileNotFoundError, pickle.UnpicklingError) as error:
        raise InputError(f"{path}: not a readable checkpoint of the released code") from error
    if not isinstance(stored, dict) or not stored.keys() >= KEYS:
        raise InputError(f"{path}: not a checkpoint of the released code; it must hold {', '.join(sorted(KEYS))}")
    return stored


def convert(source: Path, target: Path) -> None:
    """Folder to file, or file to folder."""
    if source.is_dir():
        try:
            adapters = load_file(source / "adapters.safetensors")
        except (SafetensorError, FileNotFoundError) as error:
            raise InputError(f"{source}: no readable adapters.safetensors here") from error
        content = pack(adapters, read_json(source / "recipe.json"))
        with atomic(target) as aside:
            torch.save(content, aside)
        return
    adapters, recipe = unpack(read(source))
    target.mkdir(parents=True, exist_ok=True)
    with atomic(target / "adapters.safetensors") as aside:
        save_file(adapters, aside)
    write_json(target / "recipe.json", recipe)
    made = {"converted_from": sha256(source), "adapters": sha256(target / "adapters.safetensors")}
    write_json(target / "provenance.json", made)
    write_json(target / "outcome.json", {"converged": True})


def main() -> None:
    """Command line: a checkpoint of either form in, the other out."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--from", dest="source", type=Path, required=True, help="checkpoint folder or .pkl")
    parser.add_argument("--to", dest="target", type=Path, required=True, help=".pkl or checkpoint folder")
    args = parser.parse_args()
    convert(args.source, args.target)


if __name__ == "__main__":
    run(main)
