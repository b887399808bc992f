"""Prompts as data: which rule extracts them, from what, and which runs share them (config/prompts.yaml)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from osediff.common.files import files_below

if TYPE_CHECKING:
    from workflow.planning.config import Registry

Entry = dict[str, Any]
STREAM = (
    "crop",
    "scale_factor",
    "degradation",
    "enlarge_modes",
)  # of a recipe: what its training pairs are, with the photos


def weights_folder(bench: Registry, weights: str) -> str:
    """Folder of an extractor's weights: where ``paths`` says, else where the rule brings them."""
    return str(bench.main["paths"].get(weights, f"data/prompts/{weights}"))


def weights_input(bench: Registry, extractor: str) -> list[str]:
    """What an extraction waits for: manifests of weights that the rule brings, or the files that are there."""
    found = []
    for weights in bench.prompts["extractors"][extractor]["weights"]:
        folder = weights_folder(bench, weights)
        found += files_below(folder) if weights in bench.main["paths"] else [f"{folder}/manifest.json"]
    return found


def options(bench: Registry, extractor: str) -> list[str]:
    """Options of ``osediff.prompts`` that name an extractor and its weights."""
    weights = bench.prompts["extractors"][extractor]["weights"]
    half = ["--half"] if bench.main["device"] == "cuda" else []  # as the released code
    given = [f"{name}={weights_folder(bench, name)}" for name in weights]
    return ["--extractor", extractor, *half, "--device", bench.main["device"], "--weights", *given]


def available(bench: Registry, extractor: str) -> bool:
    """Whether every weight of an extractor is here."""
    wanted = bench.prompts["extractors"][extractor]["weights"]
    files = {name: bench.prompts["weights"][name]["files"] for name in wanted}
    return all((Path(weights_folder(bench, name)) / file).is_file() for name in wanted for file in files[name])


def told(bench: Registry, variant: str, base: str | None = None) -> Entry:
    """What a variant is told about images, as config/prompts.yaml has it."""
    entry: Entry = bench.prompts["prompts"][bench.variant(variant, base)["prompts"]]
    return entry


def stream(bench: Registry, variant: str, base: str) -> str:
    """The first variant of the registry whose training stream and prompts are those of ``variant``: one
    extraction serves all of them."""

    def key(name: str) -> list[Any]:
        recipe = bench.variant(name, base)
        return [recipe[each] for each in (*STREAM, "photos", "prompts")] + [recipe["batch"] * recipe["steps"]]

    return next(name for name in bench.variants["variants"] if key(name) == key(variant))


def stream_recipe(bench: Registry, variant: str, base: str) -> Entry:
    """What ``osediff.prompts --stream`` gets: which training pairs there are, and nothing else of the recipe, so
    that another learning rate or loss extracts no prompt again."""
    recipe = bench.training(variant, base)
    return {key: recipe[key] for key in (*STREAM, "steps", "batch")}


def of_training(bench: Registry, variant: str, base: str, seed: str) -> list[str]:
    """The file of a training's prompts; nothing where it has none."""
    if "training" not in told(bench, variant, base):
        return []
    return [f"{bench.runs}/prompts/train/{stream(bench, variant, base)}/{base}/{seed}.json"]


def of_test_set(bench: Registry, method: str, test_set: str) -> list[str]:
    """The file of a test set's prompts for a method; nothing where it has none."""
    entry = bench.methods[method]
    extractor = told(bench, entry["variant"], entry.get("base")).get("restoration")
    return [f"{bench.runs}/prompts/{extractor}/{test_set}.json"] if extractor else []
