"""Prompts as data: which rule extracts them, from what, and which runs share them (config/prompts.yaml)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from osediff.common.files import files_below
from osediff.prompts.settings import PromptConfig
from osediff.recipe import Recipe, StreamRecipe
from workflow.planning.configuration import Configuration
from workflow.planning.models import VariantMethod
from workflow.planning.paths import weights_folder


def weights_input(bench: Configuration, extractor: str) -> list[str]:
    """What an extraction waits for: manifests of weights that the rule brings, or the files that are there."""
    files: list[str] = []
    for weights in extractor_weights(bench, extractor):
        folder = weights_folder(bench, weights)
        files += files_below(folder) if weights in bench.main.paths else [f"{folder}/manifest.json"]
    return files


def extractor_weights(bench: Configuration, extractor: str) -> tuple[str, ...]:
    """Ids of the weights that an extractor needs."""
    return next(entry.weights for name, entry in bench.prompts.extractors.items() if name == extractor)


def options(bench: Configuration, extractor: str) -> list[str]:
    """Options of ``osediff.prompts`` that name an extractor and its weights."""
    half = ["--half"] if bench.main.device == "cuda" else []  # as the official code
    given = [f"{name}={weights_folder(bench, name)}" for name in extractor_weights(bench, extractor)]
    return ["--extractor", extractor, *half, "--device", bench.main.device, "--weights", *given]


def available(bench: Configuration, extractor: str) -> bool:
    """Whether every weight of an extractor is here."""
    return all(
        (Path(weights_folder(bench, name)) / file).is_file()
        for name in extractor_weights(bench, extractor)
        for file in bench.prompts.weights[name].files
    )


def prompt_config(bench: Configuration, variant: str, base: str | None = None) -> PromptConfig:
    """The prompts of a variant, as config/prompts.yaml has them."""
    return bench.prompts.prompts[bench.recipe(variant, base).recipe.prompts]


def training_extractor(bench: Configuration, variant: str, base: str) -> str:
    """The extractor of a variant's training prompts; only for a variant that has some."""
    config = prompt_config(bench, variant, base)
    assert config.training is not None
    return config.training.extractor


def stream_recipe(recipe: Recipe) -> StreamRecipe:
    """The part of a recipe that decides its training pairs: another learning rate or loss extracts no prompt again."""
    return StreamRecipe.model_validate({name: getattr(recipe, name) for name in StreamRecipe.model_fields})


def stream(bench: Configuration, variant: str, base: str) -> str:
    """The first variant of the registry with the training pairs and prompts of ``variant``: one extraction serves all."""

    def key(name: str) -> tuple[Any, ...]:
        entry = bench.recipe(name, base)
        pairs = stream_recipe(entry.recipe).model_dump(exclude={"batch", "steps"})
        return pairs, entry.photos, entry.recipe.prompts, entry.recipe.batch * entry.recipe.steps

    return next(name for name in bench.variants.variants if key(name) == key(variant))


def of_training(bench: Configuration, variant: str, base: str, seed: str) -> list[str]:
    """The file of a training's prompts; nothing where it has none."""
    if not prompt_config(bench, variant, base).training:
        return []
    return [f"{bench.runs}/prompts/train/{stream(bench, variant, base)}/{base}/{seed}.json"]


def of_test_set(bench: Configuration, method: str, test_set: str) -> list[str]:
    """The file of a test set's prompts for a method; nothing where it has none."""
    entry = bench.methods[method]
    assert isinstance(entry, VariantMethod)
    extractor = prompt_config(bench, entry.variant, entry.recipe_base).restoration
    return [f"{bench.runs}/prompts/{extractor}/{test_set}.json"] if extractor else []
