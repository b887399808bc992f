"""Make and write spec files: the settings of one job as a YAML file, which is an input of the job's rule.

Snakemake runs a job again when an input has other content, so a spec contains only settings that decide the job's
result. A file whose content would not change is not written again. Specs of ablations, prompts and profiling are made
in the modules of those names.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.data.settings import FetchedImages, PhotoSetSpec, TestSet, TestSetCheck
from benchmark.metrics.registry import MetricWeights, Selection
from benchmark.tables.specs import (
    ComparisonSpec,
    QualitySpec,
    ShownMethod,
    ShownTestSet,
)
from osediff.common.errors import exit_if_disk_fails
from osediff.common.settings import Settings, write
from osediff.common.weights import provided
from osediff.data.degradation_recipe import DegradationSpec
from osediff.recipe import Compute, TrainingSpec
from workflow.planning import methods
from workflow.planning.configuration import Configuration
from workflow.planning.settings import BaselineMethod, ImagesMethod, Method, VariantMethod

SHARED = "runs/specs"  # of jobs whose outputs all presets share


def write_spec(folder: str, job: str, settings: Settings) -> str:
    """Write the spec of a job.

    Snakemake lists a folder once, and takes a file that comes later for missing. So a spec that is written when the
    jobs are known has a folder of its own; the others are written when the rules are read.

    Args:
        folder: ``runs/PRESET/specs`` (``Configuration.specs``), or ``SHARED`` if the outputs belong to no preset.
        job: rule and wildcards with slashes between, such as ``train/osediff/demo/0``.
        settings: the settings that the job's module reads by ``osediff.common.settings.read``.

    Returns:
        The path of the file, for ``input: spec=``.
    """
    path = Path(folder, f"{job}.yaml")
    with exit_if_disk_fails(path):
        write(path, settings)
    return str(path)


def shown_method(method: Method) -> ShownMethod:
    """Return a method as tables show it."""
    weights = method.weights if isinstance(method, BaselineMethod) else None
    return ShownMethod(title=method.title, steps=method.steps, published=method.published, weights=weights)


def shown_test_set(test_set: TestSet) -> ShownTestSet:
    """Return a test set as tables show it."""
    images = test_set.images if test_set.kind == "folder" else None
    return ShownTestSet(title=test_set.title, images=images)


def comparison_spec(bench: Configuration) -> ComparisonSpec:
    """Return the spec of benchmark.statistics.pairwise and benchmark.tables.published: everything that is compared."""
    compared = methods.compared(bench)
    return ComparisonSpec(
        preset=bench.main.preset,
        metrics=bench.main.metrics,
        methods={name: shown_method(bench.methods[name]) for name in compared},
        test_sets={name: shown_test_set(bench.test_sets[name]) for name in bench.main.test_sets},
        trainings=tuple(
            bench.methods[name].title for name in compared if isinstance(bench.methods[name], VariantMethod)
        ),
    )


def table_spec(bench: Configuration, name: str) -> QualitySpec:
    """Return the spec of benchmark.tables.quality: the part of the configuration that a table depends on."""
    table = bench.tables[name]
    return QualitySpec(
        preset=bench.main.preset,
        metrics=tuple(metric for metric in table.metrics if metric in bench.main.metrics),
        methods={method: shown_method(bench.methods[method]) for method in methods.of_table(bench, name)},
        test_sets={data: shown_test_set(bench.test_sets[data]) for data in methods.test_sets_of_table(bench, name)},
        title=table.title,
        caption=table.caption,
        published=table.published,
        titles={key: entry.title for key, entry in bench.test_sets.items()} if bench.main.show_published else {},
    )


def evaluation_spec(bench: Configuration) -> Selection:
    """Return the spec of ``benchmark.evaluation.evaluate``: what decides the values of the active metrics.

    If a person puts weights here, the rows are made again. Titles and decimals belong to the tables and are not in it.
    """
    selection = bench.metrics.select(bench.main.metrics)
    files = [name for artifact in selection.weights.values() for name in artifact.contents]
    return selection.model_copy(update={"provided": provided(files)})


def metric_weights_spec(bench: Configuration) -> MetricWeights:
    """Return the files that rule ``metric_weights`` may fetch: it runs again if one of them changes."""
    return MetricWeights(weights=bench.metrics.weights)


def fetched_images_spec(bench: Configuration, method: str, test_set: str) -> FetchedImages:
    """Return the spec of ``benchmark.data.fetched_images``."""
    entry = bench.methods[method]
    assert isinstance(entry, ImagesMethod)
    return FetchedImages(method=method, test_set=test_set, images=entry.download.get(test_set))


def photo_set_spec(bench: Configuration, name: str) -> PhotoSetSpec:
    """Return the spec of ``benchmark.data.photographs``; ``paths`` may say where the downloads of a set lie already."""
    return PhotoSetSpec(**dict(bench.photos[name]), local=bench.main.paths.get(name))


def training_spec(bench: Configuration, name: str, base: str, seed: int) -> TrainingSpec:
    """Return the settings of ``python -m osediff.train``.

    It has one thread: the weights depend on the number of threads, and the demo's networks are no faster with two.
    """
    entry = bench.compute[bench.main.compute]
    compute = Compute.model_validate({key: getattr(entry, key) for key in Compute.model_fields})
    recipe = bench.recipe(name, base).recipe
    return TrainingSpec(recipe=recipe, compute=compute, device=bench.main.device, threads=1, seed=seed)


def gpu_memory(bench: Configuration) -> dict[str, int]:
    """Return the memory in GB of a GPU for which each entry of config/compute.yaml is, without those for a CPU."""
    return {name: entry.gpu_memory for name, entry in bench.compute.items() if entry.gpu_memory}


def degradation_spec(bench: Configuration, name: str) -> DegradationSpec:
    """Return the settings of osediff.data.degradation for a test set that is cut from photographs."""
    entry = bench.test_sets[name]
    assert entry.kind == "photos"
    degradation = bench.degradations[entry.degradation]
    return DegradationSpec(degradation=degradation, scale_factor=entry.scale_factor, seed=entry.seed)


def test_set_check(bench: Configuration, name: str) -> TestSetCheck:
    """Return the settings of ``benchmark.data.testsets manifest``: what the registry knows of a test set."""
    entry = bench.test_sets[name]
    if entry.kind == "photos":
        return TestSetCheck(name=name, scale_factor=entry.scale_factor)
    return TestSetCheck(
        name=name,
        scale_factor=entry.scale_factor,
        reference=entry.reference,
        images=entry.images,
        lr_sizes=entry.lr_sizes,
        checksums=entry.checksums,
        download=None if name in bench.main.paths else entry.download,
    )
