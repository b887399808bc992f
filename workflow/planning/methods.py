"""The methods of a table, a figure or a comparison, and the options of their commands."""

from __future__ import annotations

from benchmark.evaluation.workers import sensible_workers
from workflow.planning import paths
from workflow.planning.configuration import Configuration
from workflow.planning.settings import (
    CheckpointMethod,
    ImagesMethod,
    InterpolationMethod,
    Method,
    ResultsMethod,
    VariantMethod,
)


def of_kind(bench: Configuration, *kinds: type[Method]) -> list[str]:
    """Return all methods of some kinds."""
    return [name for name, entry in bench.methods.items() if isinstance(entry, kinds)]


def backbone(bench: Configuration, method: str) -> str:
    """Return the backbone of a method of kind ``variant`` or ``checkpoint``."""
    entry = bench.methods[method]
    if isinstance(entry, CheckpointMethod):
        return entry.backbone
    assert isinstance(entry, VariantMethod)
    return bench.recipe(entry.variant, entry.recipe_base).backbone


def official_checkpoints(bench: Configuration) -> dict[str, str]:
    """Return the official file of each method of kind ``checkpoint`` that is converted from one."""
    entries = {name: entry for name, entry in bench.methods.items() if isinstance(entry, CheckpointMethod)}
    return {
        name: f"data/checkpoints/{name}/{file}"
        for name, entry in entries.items()
        if entry.official_file
        for file in entry.official_file.contents
    }


def kernel(bench: Configuration, method: str) -> str:
    """Return the kernel of a method of kind ``interpolation``."""
    entry = bench.methods[method]
    assert isinstance(entry, InterpolationMethod)
    return entry.kernel


def of_table(bench: Configuration, name: str) -> list[str]:
    """Return the active methods that are rows of a table: those that it names, and those that no table names.

    If other tables name every active method, or if the table says so, all of them are rows.
    """
    active = list(bench.main.methods)
    if bench.tables[name].all_methods:
        return active
    elsewhere = {method for table, entry in bench.tables.items() if table != name for method in entry.methods}
    return [method for method in active if method in bench.tables[name].methods or method not in elsewhere] or active


def test_sets_of_table(bench: Configuration, name: str) -> list[str]:
    """Return the active test sets of a table: those with HR images, or those without."""
    return [data for data in bench.main.test_sets if bench.test_sets[data].reference == bench.tables[name].reference]


def table_of_test_set(bench: Configuration, test_set: str) -> str:
    """The first active table that shows a test set: what its radar is drawn from."""
    return next(name for name in bench.main.tables if test_set in test_sets_of_table(bench, name))


def reference_options(bench: Configuration, test_set: str) -> list[str]:
    """Return the options of benchmark.evaluation.evaluate that name LR images, and HR images if there are some."""
    folder, parts = paths.test_set_folder(bench, test_set), paths.test_set_parts(bench, test_set)
    return [word for part in parts for word in (f"--{part.lower()}", f"{folder}/{part}")]


def compared(bench: Configuration) -> list[str]:
    """Return the active methods, and bicubic interpolation as a control if it is not one of them."""
    bicubic = [name for name in of_kind(bench, InterpolationMethod) if kernel(bench, name) == "bicubic"]
    active = list(bench.main.methods)
    return active if set(bicubic) & set(active) else [*bicubic[:1], *active]


def weights_options(bench: Configuration) -> list[str]:
    """Return the options of osediff.common.artifacts fetch for the weights that are fetched before an evaluation."""
    return {"none": ["--limit", "0"], "small": ["--limit", "100"], "all": []}[bench.main.metric_weights]


def evaluation_threads(bench: Configuration, test_set: str, cores: int) -> int:
    """Return how many of ``cores`` an evaluation on a test set can use."""
    entry = bench.test_sets[test_set]
    images = entry.images if entry.kind == "folder" else None
    count = len(paths.test_set_input(bench, test_set)) // len(paths.test_set_parts(bench, test_set))
    return sensible_workers(images or count, cores)


def record_options(bench: Configuration, method: str, test_set: str) -> list[str]:
    """Return the option of benchmark.evaluation.evaluate for the record of the restoring rule, if there is one."""
    return ["--record", paths.restore_record(bench, method, test_set)] if paths.has_record(bench, method) else []


def published_images(bench: Configuration) -> list[str]:
    """Return the methods of kind ``images`` whose images are fetched, or checked in a given folder."""
    return [name for name in of_kind(bench, ImagesMethod) if paths.has_record(bench, name)]


def fetched_images_options(bench: Configuration, method: str, test_set: str) -> list[str]:
    """Return the options of ``benchmark.data.fetched_images``: the given folder, or the folder to fetch into."""
    return ["--given" if method in bench.main.paths else "--out", paths.images_folder(bench, method, test_set)]


def baseline_options(bench: Configuration, baseline: str) -> list[str]:
    """Return the options of baselines.runner.run that the main file gives for a baseline: weights and interpreter."""
    settings = bench.main.baselines
    options = ["--weights", settings.weights[baseline]] if baseline in settings.weights else []
    return options + (["--python", settings.python[baseline]] if baseline in settings.python else [])


def interpreter(bench: Configuration, baseline: str) -> str:
    """Return the Python interpreter of a baseline."""
    return bench.main.baselines.python.get(baseline, "python")


def restoration_options(bench: Configuration) -> list[str]:
    """Return the options of osediff.restore that are the same for every variant."""
    options = bench.main.restoration.model_dump().items()
    return [word for name, value in options for word in (f"--{name.replace('_', '-')}", str(value))]


def restored(bench: Configuration) -> list[str]:
    """Return the active methods that have all their SR images here; a submission has only some."""
    return [name for name in bench.main.methods if not isinstance(bench.methods[name], ResultsMethod)]
