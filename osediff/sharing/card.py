"""The model card of a folder: how to use the model, what it was trained with, what was measured."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from osediff.common.errors import InputError
from osediff.common.files import JSON, check_plain
from osediff.recipe import ModelRecipe, Recipe

NOT_MEASURED = "Nothing was measured: `osediff export` was given no results."
Cell = tuple[str, str, str, str]  # test set, method, metric, protocol


def front_matter(license_id: str) -> list[str]:
    """Return the lines that the hub reads."""
    license_line = [f"license: {license_id}"] if license_id else []
    tags = ["library_name: diffusers", "pipeline_tag: image-to-image", "tags: [super-resolution, osediff]"]
    return ["---", *license_line, *tags, "---"]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def training_rows(recipe: ModelRecipe, provenance: Mapping[str, JSON]) -> list[list[str]]:
    """Return what is known of the training, as names and values."""
    rows = [["LoRA rank, VAE and UNet", f"{recipe.rank_vae}, {recipe.rank_unet}"], ["timestep", str(recipe.timestep)]]
    if isinstance(recipe, Recipe):
        rows += [["steps", str(recipe.steps)], ["batch", f"{recipe.batch} crops of {recipe.crop} pixels"]]
        regularizer = recipe.loss.regularizer.kind
        rows += [["loss", f"{recipe.loss.perceptual.kind} and mean squared error, regularizer: {regularizer}"]]
    names = {"seed": "seed", "device": "device", "photos": "sha256 of the list of photographs"}
    names |= {"backbone": "sha256 of the backbone in training", "merged_backbone": "sha256 of the backbone here"}
    names |= {"adapters": "sha256 of the adapters", "code": "sha256 of the code"}
    rows += [[text, str(provenance[key])] for key, text in names.items() if key in provenance]
    versions = provenance.get("versions")
    if isinstance(versions, Mapping):
        rows.append(["versions", ", ".join(f"{name} {version}" for name, version in versions.items())])
    return rows


def read_values(results: Sequence[Path]) -> dict[Cell, list[float]]:
    """Read the measured values of files of ``osediff evaluate``; InputError for another kind of file."""
    values: dict[Cell, list[float]] = {}
    for path in results:
        check_plain(path)
        with path.open(newline="", encoding="utf-8") as file:
            try:
                for row in csv.DictReader(file):
                    cell = (row["test_set"], row["method"], row["metric"], row["protocol"])
                    if row["value"]:
                        values.setdefault(cell, []).append(float(row["value"]))
            except (KeyError, ValueError, TypeError, csv.Error):
                raise InputError(f"{path}: is no file of `osediff evaluate`; name one") from None
    return values


def measured_lines(results: Sequence[Path]) -> list[str]:
    """Return the section of measured values: averages, with their number and protocol."""
    rows = [
        [*cell[:3], f"{fmean(values):.4f}", str(len(values)), cell[3]] for cell, values in read_values(results).items()
    ]
    return table(["test set", "method", "metric", "average", "values", "protocol"], rows) if rows else [NOT_MEASURED]


def write_card(
    recipe: ModelRecipe, provenance: Mapping[str, JSON], results: Sequence[Path], license_id: str, parameters: int
) -> str:
    """Return the text of ``README.md``."""
    lines = [
        *front_matter(license_id),
        f"# OSEDiff x{recipe.scale_factor}",
        "",
        "One-step diffusion for real-world image super-resolution ([Wu et al., NeurIPS 2024]"
        f"(https://arxiv.org/abs/2406.08177)), {parameters / 1e6:.1f} million weights, with the LoRA of the training"
        " merged into them.",
        "",
        "```python",
        "from diffusers import DiffusionPipeline",
        "from PIL import Image",
        "",
        "# Runs pipeline.py of this repository: read it first.",
        'pipe = DiffusionPipeline.from_pretrained("FOLDER OR REPOSITORY", trust_remote_code=True)',
        'sr = pipe(Image.open("photo.png").convert("RGB")).images[0]',
        "```",
        "",
        f"The image becomes {recipe.scale_factor} times as wide and high; large ones are restored in tiles. The same"
        " seed gives the same pixels.",
        "",
        "## Training",
        "",
        *table(["what", "value"], training_rows(recipe, provenance)),
        "",
        "## Measured",
        "",
        *measured_lines(results),
        "",
        "## License",
        "",
        f"The weights: {license_id}." if license_id else "No license of the weights was stated.",
        "`pipeline.py`: Apache-2.0.",
    ]
    return "\n".join([*lines, ""])
