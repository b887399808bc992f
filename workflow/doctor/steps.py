"""The steps of docs/paper-walk.md as files: a step is done when all of its files exist."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from osediff.common.artifacts.record import is_present
from workflow.planning import ablations, methods, paths, profiling, prompts
from workflow.planning.configuration import Configuration
from workflow.planning.settings import BaselineMethod, CheckpointMethod, ImagesMethod, Method, VariantMethod


@dataclass(frozen=True)
class Step:
    """A step, and the files that it makes or needs.

    ``number``: of the step of docs/paper-walk.md that it is or belongs to.
    ``targets``: targets of the command that makes the files, empty if a person must provide them. ``by_hand``: a
    missing file or folder, with where to get it. ``optional``: other steps do not need it.
    """

    number: int
    title: str
    files: tuple[str, ...]
    targets: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    optional: bool = False
    outdated: tuple[str, ...] = ()
    """Files of ``files`` that exist and belong to another preset."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Return those ``files`` that are missing or belong to another preset."""
        return tuple(path for path in self.files if path in self.outdated or not Path(path).exists())


def steps(bench: Configuration) -> list[Step]:
    """Return the steps of the active preset in order, without steps that have no files."""
    every = [
        test_sets(bench),
        metric_weights(bench),
        backbones(bench),
        prompt_weights(bench),
        measured(bench, 10, "Checkpoints and images that exist, measured", CheckpointMethod, ImagesMethod),
        baseline_sources(bench),
        measured(bench, 11, "Baselines, restored and measured", BaselineMethod, optional=True),
        photographs(bench),
        loss_weights(bench),
        trainings(bench, 12, "Training of OSEDiff", active_variants(bench)),
        results(bench, 12, "Tables of quality", list(bench.main.tables), "all"),
        table2(bench),
        trainings(bench, 14, "Trainings of the ablations", ablation_runs(bench)),
        results(bench, 14, "Tables of the ablations", ablations.active(bench), "ablations"),
    ]
    return [step for step in every if step.files]


def active_variants(bench: Configuration) -> list[str]:
    """Return the active methods that are trained."""
    return [name for name in bench.main.methods if isinstance(bench.methods[name], VariantMethod)]


def ablation_runs(bench: Configuration) -> list[str]:
    """Return the runs of all ablations, each once."""
    rows = (row for name in ablations.active(bench) for row in ablations.runs(bench, name).values())
    return list(dict.fromkeys(run for row in rows for run in row))


def restored(bench: Configuration) -> list[str]:
    """Return the active methods that OSEDiff restores: variants and checkpoints."""
    kinds = (VariantMethod, CheckpointMethod)
    return [name for name in bench.main.methods if isinstance(bench.methods[name], kinds)]


def test_sets(bench: Configuration) -> Step:
    """Return the step of the test sets: the manifest of every test set that a table needs."""
    names = dict.fromkeys(
        [*bench.main.test_sets, *(ablations.test_set(bench, name) for name in ablations.active(bench))]
    )
    files = tuple(f"data/testsets/{name}/manifest.json" for name in names)
    by_hand = []
    for name, file in zip(names, files, strict=True):
        entry = bench.test_sets[name]
        if entry.kind == "folder" and not entry.download and name not in bench.main.paths and not Path(file).exists():
            by_hand.append(f"data/testsets/{name}/LR and HR: {entry.manual_source}")
    return Step(7, "Test sets", files, files, tuple(by_hand))


def metric_weights(bench: Configuration) -> Step:
    """Return the step of the metric weights: the record of their rule. Tables name metrics without weights."""
    return Step(7, "Weights of the metrics", (paths.BROUGHT,), ("metric_weights",))


def backbones(bench: Configuration) -> Step:
    """Return the step of the backbones: the manifest of each backbone that a rule fetches."""
    names = dict.fromkeys(methods.backbone(bench, name) for name in restored(bench))
    files = [file for name in names if bench.backbones[name].download for file in backbone_files(bench, name)]
    return Step(7, "Backbone", tuple(files), tuple(files))


def backbone_files(bench: Configuration, name: str) -> list[str]:
    """Return the manifest of a fetched backbone, or a given folder."""
    folder = paths.backbone_folder(bench, name)
    return [folder if name in bench.main.paths else f"{folder}/manifest.json"]


def prompt_weights(bench: Configuration) -> Step:
    """Return the step of the extractors' weights that active methods, or the default variants of ablations, need."""
    extractors: dict[str, None] = {}
    for name in restored(bench):
        entry = bench.methods[name]
        if isinstance(entry, CheckpointMethod):
            config = bench.prompts.prompts[entry.prompts]
        else:
            assert isinstance(entry, VariantMethod)
            config = prompts.prompt_config(bench, entry.variant, entry.recipe_base)
            if config.training:
                extractors[config.training.extractor] = None
        if config.restoration:
            extractors[config.restoration] = None
    files = dict.fromkeys(file for name in extractors for file in prompts.weights_input(bench, name))
    return Step(7, "Weights of the prompt extractors", tuple(files), tuple(files))


def measured(bench: Configuration, number: int, title: str, *kinds: type[Method], optional: bool = False) -> Step:
    """Return a step of measuring: the rows of the active methods of some kinds."""
    names = [name for name in bench.main.methods if isinstance(bench.methods[name], kinds)]
    files = tuple(f"{bench.runs}/evaluate/{name}/{data}.csv" for name in names for data in bench.main.test_sets)
    return Step(number, title, files, files, optional=optional)


def baseline_sources(bench: Configuration) -> Step:
    """Return the step of the baselines' checkouts and weights; a baseline without them leaves its cells empty."""
    root = Path(bench.main.baselines.sources)
    files: dict[str, None] = {}
    by_hand: dict[str, None] = {}
    for name in profiling.active_baselines(bench):
        descriptor = bench.baselines[name]
        if descriptor.source.checkout:
            files[str(root / descriptor.source.folder / ".git" / "HEAD")] = None
        for artifact in descriptor.artifacts:
            files |= dict.fromkeys(str(root / "weights" / path) for path in artifact.paths)
            if not artifact.mirrors and not is_present(artifact, root / "weights"):
                by_hand[f"{root / 'weights' / next(iter(artifact.paths))} ({name}): {artifact.manual_source}"] = None
    title = "Code and weights of the baselines"
    return Step(9, title, tuple(files), ("baseline_sources",), tuple(by_hand), optional=True)


def photographs(bench: Configuration) -> Step:
    """Return the step of the photo sets of trainings: the list of each, and a folder that a person fills."""
    runs = (bench.methods[name] for name in [*active_variants(bench), *ablation_runs(bench)])
    recipes = [bench.recipe(entry.variant, entry.recipe_base) for entry in runs if isinstance(entry, VariantMethod)]
    files, targets, by_hand = [], [], []
    for name in dict.fromkeys(recipe.photos for recipe in recipes):
        folder, source = paths.photo_folder(bench, name), bench.photos[name].manual_source
        files.append(paths.photo_list(name))
        targets.append(paths.photo_list(name))
        if source and not Path(folder).is_dir():
            by_hand.append(f"{folder}: {source}")
    return Step(8, "Photographs to train on", tuple(files), tuple(targets), tuple(by_hand))


def loss_weights(bench: Configuration) -> Step:
    """Return the step of the networks that the losses of the trainings need."""
    entries = [bench.methods[name] for name in [*active_variants(bench), *ablation_runs(bench)]]
    files = dict.fromkeys(
        file
        for entry in entries
        if isinstance(entry, VariantMethod)
        for file in paths.loss_weights(bench, entry.variant, entry.recipe_base or bench.main.recipe_base)
        if file != paths.BROUGHT
    )
    return Step(7, "Networks of the losses", tuple(files), tuple(files))


def trainings(bench: Configuration, number: int, title: str, names: list[str]) -> Step:
    """Return a step of training: the outcome of each training."""
    folders = dict.fromkeys(paths.checkpoint(bench, name) for name in names)
    files = tuple(f"{folder}/outcome.json" for folder in folders)
    return Step(number, title, files, files)


def results(bench: Configuration, number: int, title: str, tables: list[str], target: str) -> Step:
    """Return a step of tables in results/, which the presets share: a table of another preset counts as missing."""
    files = tuple(f"results/{name}.csv" for name in tables)
    outdated = tuple(
        file for file in files if Path(file).is_file() and preset_of(Path(file)) not in (bench.main.preset, "")
    )
    return Step(number, title, files, (target,), outdated=outdated)


def table2(bench: Configuration) -> Step:
    """Return the step of Table 2 and its timings, with the baselines that can run now."""
    return Step(13, "Table 2: cost", (*profiling.timed_files(bench), "results/table2.csv"), ("results/table2.csv",))


def preset_of(table: Path) -> str:
    """Return the preset of a table's measured rows; empty if there are none.

    Only a table that shows published rows has a column ``source``.
    """
    with table.open(newline="", encoding="utf-8") as file:
        measured = (row for row in csv.DictReader(file) if row.get("source", "measured") == "measured")
        return next((row.get("preset", "") for row in measured), "")
