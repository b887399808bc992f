"""A trained model as a folder that diffusers reads without this suite, with a model card; and its way to the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osediff.common.files import JSON
    from osediff.models.backbone import Backbone
    from osediff.recipe import ColorFix, ModelRecipe

INDEX = "model_index.json"  # without which diffusers reads nothing; it is written last


def save(
    backbone: Backbone,
    recipe: ModelRecipe,
    color_fix: ColorFix,
    provenance: Mapping[str, JSON],
    folder: Path,
    results: Sequence[Path],
    license_id: str,
) -> None:
    """Write a model to ``folder`` (osediff.sharing.folder). That module is imported only here: few commands need it."""
    from osediff.sharing.folder import write_folder

    write_folder(backbone, recipe, color_fix, provenance, folder, results, license_id)
