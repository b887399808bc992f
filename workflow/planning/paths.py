"""Paths of files, and the inputs of jobs.

Only files that exist or that a rule makes are inputs of a rule: a given folder that is absent must not stop a dry run.
It stops the job that reads it, with one line.
"""

from __future__ import annotations

from pathlib import Path

from osediff.common.files import files_below
from workflow.planning.configuration import Configuration
from workflow.planning.settings import CheckpointMethod, ImagesMethod, ResultsMethod, VariantMethod

BROUGHT = "data/weights/brought.json"  # output of rule metric_weights
BASELINE_WEIGHTS = "data/weights/baselines.json"  # output of rule baseline_weights
LOSS_WEIGHTS = "data/weights/loss-{network}.json"  # output of rule loss_weights


def checkpoint(bench: Configuration, method: str) -> str:
    """Return the checkpoint folder of a method: the given one, or that of rule ``convert_official`` or ``train``."""
    entry = bench.methods[method]
    if isinstance(entry, CheckpointMethod):
        return entry.checkpoint or f"data/checkpoints/{method}"
    assert isinstance(entry, VariantMethod)
    base = entry.recipe_base or bench.main.recipe_base
    seed = bench.main.seed if entry.seed is None else entry.seed
    return f"{bench.runs}/train/{entry.variant}/{base}/{seed}"


def checkpoint_files(bench: Configuration, method: str) -> list[str]:
    """Return the files of a method's checkpoint that restoration reads."""
    folder = checkpoint(bench, method)
    return [f"{folder}/{name}" for name in ("adapters.safetensors", "recipe.json", "outcome.json")]


def photo_files(bench: Configuration, name: str) -> list[str]:
    """Return the photographs of a set that are in the repository."""
    folder = bench.photos[name].repository
    return files_below(folder) if folder else []


def photo_folder(bench: Configuration, name: str) -> str:
    """Return the folder of a photo set: the one that a rule fills, or the one in ``paths`` if no rule makes the set."""
    default = f"data/photos/{name}"
    return bench.main.paths.get(name, default) if bench.photos[name].manual_source else default


def photo_input(bench: Configuration, name: str) -> list[str]:
    """Return the photographs of a set, as inputs of a rule."""
    folder = photo_folder(bench, name)
    if not bench.photos[name].manual_source:
        return [f"{folder}/manifest.json"]
    return [folder] if Path(folder).is_dir() else []


def photo_list(name: str) -> str:
    """Return the list of a photo set's photographs, which a rule makes."""
    return f"data/photos/{name}.csv"


def backbone_folder(bench: Configuration, name: str) -> str:
    """Return the folder of a backbone: that of ``paths``, else that of the registry."""
    return bench.main.paths.get(name, bench.backbones[name].folder)


def backbone_input(bench: Configuration, name: str) -> list[str]:
    """Return the inputs of a job with this backbone: the output of a rule, or the files of its parts that exist.

    The parts are subfolders. What is beside them, the model card, runs no job again.
    """
    folder, entry = backbone_folder(bench, name), bench.backbones[name]
    if name in bench.main.paths or not (entry.recipe or entry.download):
        return [path for path in files_below(folder) if Path(path).parent != Path(folder)]
    return [folder if entry.recipe else f"{folder}/manifest.json"]


def cut_photos(bench: Configuration, name: str) -> list[str]:
    """Return the photographs of this repository from which a test set is cut."""
    entry = bench.test_sets[name]
    crops = entry.cut.crops if entry.kind == "photos" else ()
    return sorted({crop.photo for crop in crops if "/" in crop.photo})


def test_set_folder(bench: Configuration, name: str) -> str:
    """Return the folder with LR/ and HR/ of a test set: that of ``paths``, else one below data/testsets/."""
    return bench.main.paths.get(name, f"data/testsets/{name}")


def test_set_parts(bench: Configuration, name: str) -> tuple[str, ...]:
    """Return the names of a test set's folders: LR, and HR if it has HR images."""
    return ("LR", "HR") if bench.test_sets[name].reference else ("LR",)


def test_set_input(bench: Configuration, name: str) -> list[str]:
    """Return the inputs of a test set's manifest: the folders that rules make, or the images that exist."""
    entry = bench.test_sets[name]
    folders = [f"{test_set_folder(bench, name)}/{part}" for part in test_set_parts(bench, name)]
    if entry.kind == "photos":
        return folders
    if entry.download and name not in bench.main.paths:
        return []  # the job fetches missing images
    return [path for folder in folders for path in files_below(folder)]


def loss_weights(bench: Configuration, variant: str, base: str) -> list[str]:
    """Return the inputs of a training whose loss needs networks; a network with a fallback is not among them."""
    loss = bench.recipe(variant, base).recipe.loss
    optional = {"lpips-vgg"} if loss.perceptual.fallback else set()
    return [BROUGHT if network in optional else LOSS_WEIGHTS.format(network=network) for network in loss.networks]


def weights_folder(bench: Configuration, weights: str) -> str:
    """Return the folder of an extractor's weights: that of ``paths``, else the one that the rule fills."""
    return bench.main.paths.get(weights, f"data/prompts/{weights}")


def fetched_baselines(bench: Configuration) -> list[str]:
    """Return the active baselines whose weights rule ``baseline_weights`` fetches: none needs a person's word."""
    return [
        name
        for name in bench.main.methods
        if name in bench.baselines
        and bench.baselines[name].fetched_without_asking
        and bench.main.baselines.weights.get(name, "official") == "official"
    ]


def baseline_input(bench: Configuration, baseline: str) -> list[str]:
    """Return the inputs of a baseline's run: those of its files that exist (the run verifies them)."""
    descriptor, root = bench.baselines[baseline], Path(bench.main.baselines.sources)
    wanted = [root / "weights" / path for path in descriptor.files]
    if descriptor.source.checkout:
        wanted.append(root / descriptor.source.folder / ".git" / "HEAD")
    return [str(path) for path in wanted if path.is_file()]


def restore_record(bench: Configuration, method: str, test_set: str) -> str:
    """Return the record that the restoring rule of a method writes last."""
    return f"{bench.runs}/restore/{method}/{test_set}/run.json"


def images_folder(bench: Configuration, method: str, test_set: str) -> str:
    """Return the folder of a method's SR images: given or fetched for kind ``images``, else that of its rule."""
    entry = bench.methods[method]
    if isinstance(entry, ImagesMethod):
        published = entry.download.get(test_set)
        fetched = published.folder if published else f"data/images/{method}/{test_set}"
        return bench.main.paths.get(method, entry.images or fetched).replace("{test_set}", test_set)
    return f"{bench.runs}/restore/{method}/{test_set}/SR"


def published_images_input(bench: Configuration, method: str, test_set: str) -> list[str]:
    """Return the inputs of the check of a method's published images: their list, and the images in a given folder."""
    entry = bench.methods[method]
    assert isinstance(entry, ImagesMethod)
    artifact = entry.download.get(test_set)
    listed = [artifact.files] if artifact and isinstance(artifact.files, str) else []
    return listed + (files_below(images_folder(bench, method, test_set)) if method in bench.main.paths else [])


def has_record(bench: Configuration, method: str) -> bool:
    """Return whether a rule makes or checks the method's images, and writes a record."""
    entry = bench.methods[method]
    return bool(entry.download) if isinstance(entry, ImagesMethod) else not isinstance(entry, ResultsMethod)


def submission_input(bench: Configuration, method: str) -> list[str]:
    """Return the files of a submission: the zip file, or those of its folder."""
    entry = bench.methods[method]
    assert isinstance(entry, ResultsMethod)
    return files_below(entry.submission) or [entry.submission]


def restored_folders(bench: Configuration, method: str, test_set: str) -> list[str]:
    """Return the folder of SR images that a restoring rule declares; none for images that exist or are fetched."""
    made_elsewhere = isinstance(bench.methods[method], ImagesMethod | ResultsMethod)
    return [] if made_elsewhere else [images_folder(bench, method, test_set)]


def test_set_folders(bench: Configuration, name: str) -> list[str]:
    """Return the folders of a test set that rules declare: those that are cut from photographs."""
    return test_set_input(bench, name) if bench.test_sets[name].kind == "photos" else []


def images_input(bench: Configuration, method: str, test_set: str) -> list[str]:
    """Return the inputs of an evaluation: the record of the restoring rule, or the images that exist already."""
    if has_record(bench, method):
        return [restore_record(bench, method, test_set)]
    return files_below(images_folder(bench, method, test_set))
