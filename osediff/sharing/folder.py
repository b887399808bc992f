"""Write a model as a folder in diffusers' layout: merged weights, ``model_index.json``, ``pipeline.py``, a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from osediff.common.errors import InputError
from osediff.common.files import JSON, read_object, write_json, write_text
from osediff.models import backbone as backbones
from osediff.models.backbone import Backbone
from osediff.models.backbone_folder import PARTS
from osediff.recipe import ColorFix, ModelRecipe
from osediff.sharing import INDEX
from osediff.sharing.bundle import bundle
from osediff.sharing.card import write_card

SETTINGS = ("scale_factor", "process_size", "timestep")
CLASS = ["pipeline", "OSEDiffPipeline"]
WRITING = ".osediff-export"  # is in a folder as long as it is written, so that a stopped command can be repeated
LIBRARIES = {"vae": "diffusers", "unet": "diffusers", "scheduler": "diffusers"}  # of the other parts: transformers


def may_write(folder: Path) -> bool:
    """Return whether ``folder`` is new, empty, or written by ``write_folder``, wholly or not."""
    if not folder.is_dir() or not any(folder.iterdir()) or (folder / WRITING).exists():
        return True
    index = folder / INDEX
    return index.exists() and read_object(index).get("_class_name") == CLASS


def write_folder(
    backbone: Backbone,
    recipe: ModelRecipe,
    color_fix: ColorFix,
    provenance: Mapping[str, JSON],
    folder: Path,
    results: Sequence[Path],
    license_id: str,
) -> None:
    """Write a model to ``folder``; ``model_index.json`` is written last.

    Args:
        backbone: with LoRA merged, in the precision that it is written in.
        recipe: of the training.
        color_fix: of the pipeline.
        provenance: what the checkpoint says about its training, and the sha256 of this backbone (``merged_backbone``).
        folder: new, empty, or written by this function.
        results: files of ``osediff evaluate`` for the card.
        license_id: of the weights, as the hub spells it; empty: not stated.

    Raises:
        InputError: the folder has other files, or a file of results is none.
    """
    if not may_write(folder):
        raise InputError(f"{folder}: has files of something else; name a new folder")
    networks = (backbone.vae, backbone.unet, backbone.text_encoder)
    parameters = sum(parameter.numel() for network in networks for parameter in network.parameters())
    card = write_card(recipe, provenance, results, license_id, parameters)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WRITING).touch()
    (folder / INDEX).unlink(missing_ok=True)
    backbones.save(backbone, folder)
    write_text(folder / "pipeline.py", bundle())
    write_text(folder / "README.md", card)
    parts = {part: getattr(backbone, part) for part in PARTS}
    index = {
        "_class_name": CLASS,
        "_diffusers_version": version("diffusers"),
        **{part: [LIBRARIES.get(part, "transformers"), type(value).__name__] for part, value in parts.items()},
        **{name: getattr(recipe, name) for name in SETTINGS},
        "color_fix": color_fix,
    }
    write_json(folder / INDEX, index, durable=True)
    (folder / WRITING).unlink()
