"""Prompts as data: the specs of their extraction, their files, and the runs that share them (config/prompts.yaml)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from osediff.common.files import files_below
from osediff.prompts.prompt_file import ExtractionSpec, ExtractorName, FolderImages, StreamImages
from osediff.prompts.settings import PromptConfig
from osediff.recipe import OFFICIAL_PROCESS_SIZE, Recipe, StreamRecipe, read_model_recipe
from workflow.planning.configuration import Configuration
from workflow.planning.paths import weights_folder
from workflow.planning.settings import CheckpointMethod, VariantMethod


def weights_input(bench: Configuration, extractor: str) -> list[str]:
    """Return the inputs of an extraction: manifests of weights that the rule fetches, or the files that exist."""
    files: list[str] = []
    for weights in extractor_weights(bench, extractor):
        folder = weights_folder(bench, weights)
        files += files_below(folder) if weights in bench.main.paths else [f"{folder}/manifest.json"]
    return files


def extractor_weights(bench: Configuration, extractor: str) -> tuple[str, ...]:
    """Return the ids of the weights that an extractor needs."""
    return next(entry.weights for name, entry in bench.prompts.extractors.items() if name == extractor)


def weights_options(bench: Configuration, extractor: str) -> list[str]:
    """Return the folders of an extractor's weights, as options of ``osediff.prompts.extract --weights``."""
    return [f"{name}={weights_folder(bench, name)}" for name in extractor_weights(bench, extractor)]


def extraction_spec(
    bench: Configuration, extractor: ExtractorName, images: FolderImages | StreamImages
) -> ExtractionSpec:
    """Return the spec of an extraction; it is in fp16 on a GPU, as in the official code."""
    precision: Literal["fp32", "fp16"] = "fp16" if bench.main.device == "cuda" else "fp32"
    return ExtractionSpec(extractor=extractor, images=images, device=bench.main.device, precision=precision)


def test_set_spec(bench: Configuration, extractor: ExtractorName, test_set: str, process_size: int) -> ExtractionSpec:
    """Return the spec of the extraction of a test set's prompts, at the size at which the variants restore."""
    scale_factor = bench.test_sets[test_set].scale_factor
    images = FolderImages(kind="folder", scale_factor=scale_factor, process_size=process_size)
    return extraction_spec(bench, extractor, images)


def training_spec(bench: Configuration, variant: str, base: str, seed: int) -> ExtractionSpec:
    """Return the spec of the extraction of a training's prompts; only for a variant with prompts."""
    config = prompt_config(bench, variant, base).training
    assert config is not None
    images = StreamImages(
        kind="stream",
        recipe=stream_recipe(bench.recipe(variant, base).recipe),
        seed=seed,
        image=config.image,
        workers=bench.compute[bench.main.compute].workers,
    )
    return extraction_spec(bench, config.extractor, images)


def available(bench: Configuration, extractor: str) -> bool:
    """Return whether every weight of an extractor is here."""
    return all(
        (Path(weights_folder(bench, name)) / file).is_file()
        for name in extractor_weights(bench, extractor)
        for file in bench.prompts.weights[name].files
    )


def prompt_config(bench: Configuration, variant: str, base: str | None = None) -> PromptConfig:
    """Return the entry of config/prompts.yaml for a variant."""
    return bench.prompts.prompts[bench.recipe(variant, base).recipe.prompts]


def training_extractor(bench: Configuration, variant: str, base: str) -> str:
    """Return the extractor of a variant's training prompts; only for a variant with prompts."""
    config = prompt_config(bench, variant, base)
    assert config.training is not None
    return config.training.extractor


def stream_recipe(recipe: Recipe) -> StreamRecipe:
    """Return the part of a recipe that decides its training pairs: the learning rate or the loss are not in it."""
    return StreamRecipe.model_validate({name: getattr(recipe, name) for name in StreamRecipe.model_fields})


def stream(bench: Configuration, variant: str, base: str) -> str:
    """Return the first variant with the training pairs and prompts of ``variant``: they share one file."""

    def key(name: str) -> tuple[Any, ...]:
        entry = bench.recipe(name, base)
        pairs = stream_recipe(entry.recipe).model_dump(exclude={"batch", "steps"})
        return pairs, entry.photos, entry.recipe.prompts, entry.recipe.batch * entry.recipe.steps

    return next(name for name in bench.variants.variants if key(name) == key(variant))


def of_training(bench: Configuration, variant: str, base: str, seed: str) -> list[str]:
    """Return the file of a training's prompts; empty if it has none."""
    if not prompt_config(bench, variant, base).training:
        return []
    return [f"{bench.runs}/prompts/train/{stream(bench, variant, base)}/{base}/{seed}.json"]


def of_test_set(bench: Configuration, method: str, test_set: str) -> list[str]:
    """Return the file of a test set's prompts for a method; empty if it has none."""
    entry = bench.methods[method]
    if isinstance(entry, CheckpointMethod):
        extractor = bench.prompts.prompts[entry.prompts].restoration
        process_size = OFFICIAL_PROCESS_SIZE
        if extractor and entry.checkpoint:
            process_size = read_model_recipe(Path(entry.checkpoint) / "recipe.json").process_size
    else:
        assert isinstance(entry, VariantMethod)
        extractor = prompt_config(bench, entry.variant, entry.recipe_base).restoration
        process_size = bench.recipe(entry.variant, entry.recipe_base).recipe.process_size
    return [f"{bench.runs}/prompts/{extractor}/{process_size}/{test_set}.json"] if extractor else []
