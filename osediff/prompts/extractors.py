"""The networks that describe images, and the files that they need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.prompts.prompt_file import ExtractorName

if TYPE_CHECKING:
    from torch import Tensor

# Folders of weights that an extractor reads, and the files of each that decide its prompts.
WEIGHTS: dict[str, dict[str, list[str]]] = {
    "ram": {"ram": ["ram_swin_large_14m.pth"], "ram-tags": ["ram_tag_list.txt", "ram_tag_list_threshold.txt"]},
    "llava": {"llava": ["config.json", "model.safetensors.index.json"]},
}
WEIGHTS["dape"] = WEIGHTS["ram"] | {"dape": ["DAPE.pth"]}
Describe: TypeAlias = "Callable[[Tensor], str]"


def parse_folders(name: ExtractorName, pairs: list[str]) -> dict[str, Path]:
    """Return the folders of weights by name, from ``pairs`` of the form NAME=DIR.

    Raises:
        InputError: a folder that the extractor ``name`` reads, or a file in it, is missing.
    """
    folders = {key: Path(value) for key, _, value in (pair.partition("=") for pair in pairs)}
    for weights, files in WEIGHTS[name].items():
        if weights not in folders:
            raise InputError(f"extractor {name} needs --weights {weights}=DIR")
        missing = [file for file in files if not (folders[weights] / file).is_file()]
        if missing:
            raise InputError(f"{folders[weights]}: lacks {', '.join(missing)}; see config/prompts.yaml, {weights}")
    return folders


def hash_weights(name: ExtractorName, folders: dict[str, Path]) -> dict[str, str]:
    """Return the sha256 of each file that decides the prompts of the extractor ``name``, by FOLDER/FILE."""
    digests = {}
    for key, files in WEIGHTS[name].items():
        for file in sorted({*files, *(path.name for path in folders[key].glob("*.safetensors"))}):
            digests[f"{key}/{file}"] = sha256(folders[key] / file)
    return digests


def load_extractor(name: ExtractorName, folders: dict[str, Path], device: str, half: bool) -> Describe:
    """Load the network that describes an image (3, H, W) in [0, 1] in words; ``half``: in float16."""
    # These take seconds, and folders of weights are looked at before.
    import torch

    from osediff.prompts import ram
    from osediff.prompts.llava import Captioner

    if name == "llava":
        return Captioner(folders["llava"], device, torch.float16 if half else torch.float32)
    tags, thresholds = ram.read_lists(*(folders["ram-tags"] / file for file in WEIGHTS["ram"]["ram-tags"]))
    dape = folders["dape"] / "DAPE.pth" if name == "dape" else None
    model = ram.load(folders["ram"] / "ram_swin_large_14m.pth", dape)
    return ram.Tagger(model.half() if half else model, tags, thresholds, device)
