"""The spec of the report: where everything is that the page shows."""

from __future__ import annotations

from pathlib import Path

from benchmark.report.specs import MethodFiles, ReportSpec, TestSetFiles, Training
from benchmark.tables.specs import QualitySpec
from osediff.common.files import files_below, sha256
from workflow.planning import ablations, methods, paths, prompts, specs
from workflow.planning.configuration import Configuration
from workflow.planning.settings import CheckpointMethod, VariantMethod


def spec(bench: Configuration) -> ReportSpec:
    """Return the spec of ``python -m benchmark.report build``."""
    comparison = specs.comparison_spec(bench)
    return ReportSpec(
        comparison=comparison,
        tables={name: table_spec(bench, name) for name in bench.main.tables},
        protocol=bench.main.protocol,
        device=bench.main.device,
        choice=bench.main.report,
        test_sets={name: test_set_files(bench, name) for name in comparison.test_sets},
        methods={
            name: {test_set: method_files(bench, name, test_set) for test_set in comparison.test_sets}
            for name in comparison.methods
        },
        trainings=tuple(trainings(bench)),
        further={name: sha256(Path(name)) for name in further_results(bench) if Path(name).is_file()},
    )


def table_spec(bench: Configuration, name: str) -> QualitySpec:
    """Return the spec of a table that always has its published rows: the page can hide them."""
    titles = {key: entry.title for key, entry in bench.test_sets.items()}
    return specs.table_spec(bench, name).model_copy(update={"titles": titles})


def test_set_files(bench: Configuration, name: str) -> TestSetFiles:
    """Return the files of a test set."""
    folder = paths.test_set_folder(bench, name)
    hr = f"{folder}/HR" if bench.test_sets[name].reference else None
    return TestSetFiles(lr=f"{folder}/LR", hr=hr, manifest=f"data/testsets/{name}/manifest.json")


def method_files(bench: Configuration, name: str, test_set: str) -> MethodFiles:
    """Return the files of a method on a test set."""
    has_prompts = isinstance(bench.methods[name], VariantMethod | CheckpointMethod)
    return MethodFiles(
        sr=paths.images_folder(bench, name, test_set),
        record=paths.restore_record(bench, name, test_set) if paths.has_record(bench, name) else None,
        prompts=next(iter(prompts.of_test_set(bench, name, test_set)), None) if has_prompts else None,
    )


def trainings(bench: Configuration) -> list[Training]:
    """Return the trainings of the methods, and those of the ablations that ended already."""
    shown = {name: bench.methods[name] for name in methods.compared(bench)}
    added = ablations.methods(bench).items()
    shown |= {name: entry for name, entry in added if Path(paths.checkpoint(bench, name), "outcome.json").is_file()}
    return [
        Training(title=entry.title, folder=paths.checkpoint(bench, name))
        for name, entry in shown.items()
        if isinstance(entry, VariantMethod | CheckpointMethod)
    ]


def training_files(bench: Configuration) -> list[str]:
    """Return the files of the methods' trainings that the report reads."""
    folders = {
        name: paths.checkpoint(bench, name)
        for name in methods.compared(bench)
        if isinstance(bench.methods[name], VariantMethod)
    }
    return [f"{folder}/{file}" for folder in folders.values() for file in ("log.jsonl", "outcome.json")]


def further_results(bench: Configuration) -> list[str]:
    """Return results outside of ``all`` that the report shows if they exist."""
    return [f"results/{name}.csv" for name in ("table2", *ablations.active(bench))]


def page_files() -> list[str]:
    """Return the templates, scripts and libraries of the page."""
    return [path for path in files_below("benchmark/report") if not path.endswith((".py", ".pyc"))]
