"""Check the configuration beyond the models of its files: names must be known, folders must exist."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from osediff.common.artifacts.model import Artifact
from osediff.common.errors import InputError
from osediff.common.files import files_below
from osediff.common.validation import check_name
from osediff.recipe import read_model_recipe
from workflow.planning import ablations, methods, paths
from workflow.planning.configuration import Configuration
from workflow.planning.recipes import chain
from workflow.planning.settings import BaselineMethod, CheckpointMethod, ImagesMethod, ResultsMethod, VariantMethod


def check_folders(bench: Configuration) -> None:
    """Raise InputError for the first given folder that does not exist; those of rules may be missing."""
    main = bench.main
    for name in main.timings:
        if not Path(name).is_file():
            raise InputError(f"configuration: timings: no file {name}; correct it, or leave it out")
        check_file_name(name)
    for name, folder in main.paths.items():
        if isinstance(bench.methods.get(name), ImagesMethod):
            continue  # below, by test set
        inside = paths.test_set_parts(bench, name) if name in bench.test_sets else ("",)
        for path in (Path(folder) / part for part in inside):
            if not path.is_dir():
                raise InputError(f"configuration: paths: {name}: no folder {path}; correct it, or leave {name} out")
            check_file_names(path)
    for name in main.methods:
        entry = bench.methods[name]
        if isinstance(entry, ResultsMethod) and not Path(entry.submission).exists():
            where = f"config/methods.yaml: {name}: submission"
            raise InputError(f"{where}: no file or folder {entry.submission}; put the submission there")
    check_checkpoints(bench)
    check_images_folders(bench)


def check_file_names(folder: Path) -> None:
    """Raise InputError for the first file below a given folder whose name Snakemake would take for a pattern."""
    for name in files_below(str(folder)):
        check_file_name(name)


def check_file_name(name: str) -> None:
    """Raise InputError if Snakemake would take the name of a file for a pattern."""
    if set("{}") & set(name):
        raise InputError(f"{name}: has a brace in its name, which Snakemake takes for a pattern; rename it")
    if re.search(r"<\w+>", name):
        raise InputError(f"{name}: has a word between < and > in its name, which Snakemake takes for a path; rename it")


def check_checkpoints(bench: Configuration) -> None:
    """Raise InputError for the first active method of kind ``checkpoint`` that lacks a file."""
    for name in bench.main.methods:
        entry = bench.methods[name]
        if not isinstance(entry, CheckpointMethod) or entry.official_file:
            continue
        for path in paths.checkpoint_files(bench, name):
            if not Path(path).is_file():
                raise InputError(f"config/methods.yaml: {name}: checkpoint: no file {path}; put the checkpoint there")


def check_images_folders(bench: Configuration) -> None:
    """Raise InputError for a method of kind ``images`` whose folder is absent, or the same for all test sets."""
    main = bench.main
    for name in main.methods:
        entry, given = bench.methods[name], name in main.paths
        if not isinstance(entry, ImagesMethod) or not (entry.images or given):
            continue
        where = f"configuration: paths: {name}" if given else f"config/methods.yaml: {name}: images"
        folders = [paths.images_folder(bench, name, test_set) for test_set in main.test_sets]
        if len(set(folders)) < len(folders):
            raise InputError(f"{where}: is one folder for {len(folders)} test sets; write {{test_set}} into its path")
        for folder in folders:
            if not Path(folder).is_dir():
                raise InputError(f"{where}: no folder {folder}; put its images there")
            check_file_names(Path(folder))


def check_names(bench: Configuration) -> None:
    """Raise InputError for the first name that no registry has."""
    check_main(bench)
    check_methods(bench)
    for name, test_set in bench.test_sets.items():
        if test_set.kind == "photos":
            check_name("degradation", test_set.degradation, bench.degradations, f"config/testsets.yaml: {name}")
    check_backbones(bench)
    for preset, scaling in bench.scaling.items():
        check_name("entry of config/complexity.yaml", scaling.model, bench.complexity, f"config/scaling.yaml: {preset}")
    for name, entry in bench.complexity.items():
        check_name("backbone", entry.backbone, bench.backbones, f"config/complexity.yaml: {name}")
    check_prompts(bench)
    for base in bench.variants.bases:
        chain(bench.variants, base)


def check_methods(bench: Configuration) -> None:
    """Raise InputError for the first name in config/methods.yaml and config/tables.yaml that no registry has."""
    for name, method in bench.methods.items():
        if isinstance(method, VariantMethod):
            check_name("variant", method.variant, bench.variants.variants, f"config/methods.yaml: {name}")
        elif isinstance(method, CheckpointMethod):
            check_name("backbone", method.backbone, bench.backbones, f"config/methods.yaml: {name}")
            check_name("prompts", method.prompts, bench.prompts.prompts, f"config/methods.yaml: {name}")
            if method.official_file and method.official_file.folder != f"data/checkpoints/{name}":
                raise InputError(f"config/methods.yaml: {name}: official_file: its folder is data/checkpoints/{name}")
        for published in method.download if isinstance(method, ImagesMethod) else ():
            check_name("test set", published, bench.test_sets, f"config/methods.yaml: {name}: download")
    for name, table in bench.tables.items():
        for metric in table.metrics:
            check_name("metric", metric, bench.metrics.metrics, f"config/tables.yaml: {name}")
        for row in table.methods:
            check_name("method", row, bench.methods, f"config/tables.yaml: {name}")
    check_pictures(bench)


def check_published(bench: Configuration, folder: Path) -> None:
    """InputError for the first table of config/tables.yaml whose published table no file in ``folder`` has."""
    known: set[str] = set()
    for path in sorted(folder.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            known |= {row.get("table") or "" for row in csv.DictReader(file)}
    for name, table in bench.tables.items():
        if table.published:
            check_name("published table", table.published, sorted(known), f"config/tables.yaml: {name}: published")


def check_pictures(bench: Configuration) -> None:
    """Raise InputError for the first name in config/pictures.yaml that no registry has."""
    for name, picture in bench.pictures.items():
        source = f"config/pictures.yaml: {name}"
        for method in picture.methods:
            check_name("method", method, bench.methods, source)
        if picture.ablation:
            check_name("ablation", picture.ablation, bench.ablations, source)
        for choice in picture.images:
            check_name("test set", choice.test_set, bench.test_sets, source)


def check_backbones(bench: Configuration) -> None:
    """Raise InputError for the first backbone with an unknown name, or with a folder that does not fit the rules."""
    for name, backbone in bench.backbones.items():
        source = f"config/backbones.yaml: {name}"
        if backbone.recipe and backbone.photos:
            check_name("photo set", backbone.photos, bench.photos, source)
            check_name("degradation", backbone.recipe.degradation, bench.degradations, source)
            if backbone.folder != f"runs/demo/backbones/{name}":
                raise InputError(f"{source}: the rule trains it into runs/demo/backbones/{name}")
        elif (backbone.download or backbone.random) and backbone.folder != f"data/backbones/{name}":
            raise InputError(f"{source}: the rule brings it into data/backbones/{name}")


def check_prompts(bench: Configuration) -> None:
    """Raise InputError for the first name in config/prompts.yaml that the file does not define."""
    for name, prompts in bench.prompts.prompts.items():
        for extractor in (prompts.training and prompts.training.extractor, prompts.restoration):
            if extractor:
                check_name("extractor", extractor, bench.prompts.extractors, f"config/prompts.yaml: {name}")
    for name, needs in bench.prompts.extractors.items():
        for weights in needs.weights:
            check_name("weights", weights, bench.prompts.weights, f"config/prompts.yaml: {name}")


def check_main(bench: Configuration) -> None:
    """Raise InputError for the first name in the main file that no registry has."""
    main, where = bench.main, "configuration"
    check_name("base", main.recipe_base, bench.variants.bases, f"{where}: recipe_base")
    check_name("base", main.ablation_base, bench.variants.bases, f"{where}: ablation_base")
    check_name("way to compute", main.compute, bench.compute, f"{where}: compute")
    check_name("preset", main.preset, bench.scaling, "config/scaling.yaml")
    for kind, key, chosen, names in (
        ("test set", "test_sets", main.test_sets, bench.test_sets),
        ("method", "methods", main.methods, bench.methods),
        ("metric", "metrics", main.metrics, bench.metrics.metrics),
        ("table", "tables", main.tables, bench.tables),
        ("picture", "pictures", main.pictures, bench.pictures),
        ("baseline", "baselines.weights", main.baselines.weights, bench.baselines),
        ("baseline", "baselines.python", main.baselines.python, bench.baselines),
    ):
        for name in chosen:
            check_name(kind, name, list(names), f"{where}: {key}")
    check_titles(bench)
    check_references(bench)
    with_files = [
        name
        for name, entry in bench.methods.items()
        if isinstance(entry, ImagesMethod) or (isinstance(entry, CheckpointMethod) and entry.official_file)
    ]
    given = [*bench.test_sets, *bench.photos, *bench.backbones, *bench.prompts.weights, *with_files]
    for name in main.paths:
        check_name("test set, photo set, backbone, method or extractor's weights", name, given, f"{where}: paths")


def check_references(bench: Configuration) -> None:
    """InputError at the first active test set that no active table shows, and at the first table that shows none.

    Test sets with HR images and those without have tables of their own.
    """
    main, where = bench.main, "configuration"
    for name in main.test_sets:
        if not any(bench.tables[table].reference == bench.test_sets[name].reference for table in main.tables):
            kind = "with" if bench.test_sets[name].reference else "without"
            raise InputError(
                f"{where}: test_sets: no table shows {name}; add one of test sets {kind} HR images to tables"
            )
    for table in main.tables:
        if not any(bench.tables[table].reference == bench.test_sets[name].reference for name in main.test_sets):
            kind = "with" if bench.tables[table].reference else "without"
            raise InputError(
                f"{where}: tables: {table} shows test sets {kind} HR images, and none is active; leave it out"
            )


def check_titles(bench: Configuration) -> None:
    """InputError where two methods that are compared have one title: their rows would look alike."""
    titles: dict[str, str] = {}
    for name in methods.compared(bench):
        title = bench.methods[name].title
        if title in titles:
            raise InputError(f"configuration: methods: {titles[title]} and {name} have one title, {title}; change one")
        titles[title] = name


def check_recipes(bench: Configuration) -> None:
    """Raise InputError for the first variant whose recipe has an unknown name."""
    for (name, _), variant in bench.recipes.items():
        source = f"config/variants.yaml: {name}"
        check_name("backbone", variant.backbone, bench.backbones, source)
        if bench.backbones[variant.backbone].random:
            raise InputError(f"{source}: {variant.backbone} has random weights, which never enter a table")
        check_name("photo set", variant.photos, bench.photos, source)
        if bench.photos[variant.photos].pairs and variant.recipe.degradation:
            raise InputError(f"{source}: {variant.photos} has LR/HR pairs; write `degradation: null`")
        if not bench.photos[variant.photos].pairs and variant.recipe.degradation is None:
            raise InputError(f"{source}: {variant.photos} has no LR images; name a degradation, or photos with pairs")
        check_name("prompts", variant.recipe.prompts, bench.prompts.prompts, source)


def check_scale_factors(bench: Configuration) -> None:
    """InputError at the first active method that enlarges by another factor than an active test set.

    Interpolation enlarges by any factor. Images that exist already are compared with the HR images when they are read.
    """
    for name in bench.main.methods:
        factor = scale_factor(bench, name)
        for test_set in bench.main.test_sets:
            needed = bench.test_sets[test_set].scale_factor
            if factor not in (None, needed):
                raise InputError(
                    f"configuration: methods: {name} has a scale factor of {factor}, and test set {test_set} one of"
                    f" {needed}; leave one out, or train a variant with the factor"
                )
    for name in ablations.active(bench):
        trained = bench.recipe(bench.variants.default, bench.main.ablation_base)
        test_set = ablations.test_set(bench, name)
        if trained.recipe.scale_factor != bench.test_sets[test_set].scale_factor:
            raise InputError(
                f"config/ablations.yaml: {name}: test set {test_set} has another scale factor than base"
                f" {bench.main.ablation_base}; choose another test set or ablation_base"
            )


def scale_factor(bench: Configuration, method: str) -> int | None:
    """Return the scale factor of a method; None if it has none of its own, or if nobody has made its checkpoint yet."""
    entry = bench.methods[method]
    match entry:
        case VariantMethod():
            return bench.recipe(entry.variant, entry.recipe_base).recipe.scale_factor
        case BaselineMethod():
            return bench.baselines[method].scale_factor
        case CheckpointMethod(checkpoint=str(folder)) if Path(folder, "recipe.json").is_file():
            return read_model_recipe(Path(folder, "recipe.json")).scale_factor
        case CheckpointMethod(official_file=Artifact()):
            return 4
    return None


def check_ablations(bench: Configuration) -> None:
    """Raise InputError for the first mistake in config/ablations.yaml that only the other files show."""
    default, variants = bench.variants.default, bench.variants.variants
    check_name("variant", default, variants, "config/variants.yaml: default")
    for name in bench.variants.bases:
        if chain(bench.variants, name)[-1] not in bench.training_cost:
            raise InputError(
                f"config/training_cost.yaml: no cost of a training step of base {name}; add one, if only an estimate"
            )
    for name, entry in bench.ablations.items():
        source = f"config/ablations.yaml: {name}"
        if name in bench.tables:
            raise InputError(f"{source}: config/tables.yaml has a table of this name; both would be results/{name}.csv")
        for metric in entry.metrics:
            check_name("metric", metric, bench.metrics.metrics, source)
        for variant in [*entry.variants, *entry.published, *entry.published_remark]:
            check_name("variant", variant, variants, source)
        if default not in entry.variants:
            raise InputError(
                f"{source}: lacks the default variant {default}, with which the others are compared; add it to variants"
            )
        titles = list(entry.variants.values())
        twice = [title for title in titles if titles.count(title) > 1]
        if twice:
            raise InputError(f"{source}: two rows are called {twice[0]!r}; give them different titles")
        for test_set in entry.test_set.model_dump(exclude_none=True).values():
            check_name("test set", test_set, bench.test_sets, source)
