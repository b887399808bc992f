"""Table 2, scaling and roofline: what is counted and timed of the configuration, and with which options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workflow.planning.configuration import Configuration
from workflow.planning.paths import baseline_input

Entry = dict[str, Any]


def count(bench: Configuration, name: str) -> Entry:
    """What ``benchmark.complexity.complexity --spec`` gets for an entry of config/complexity.yaml."""
    entry = bench.complexity[name]
    backbone = bench.backbones[entry.backbone]
    sizes = backbone.random.sizes.model_dump(mode="json") if backbone.random else backbone.folder
    counted = entry.model_dump(include={"title", "steps", "parts", "pipeline", "size"})
    return {**counted, "options": {"backbone": sizes, "extractor": entry.extractor}}


def scaled(bench: Configuration) -> Entry:
    """What ``benchmark.complexity.scaling --spec`` gets at the active preset."""
    entry = bench.scaling[bench.main.preset]
    return {**count(bench, entry.model), **entry.model_dump(mode="json", exclude={"model"})}


def timed(bench: Configuration) -> list[str]:
    """Entries of config/complexity.yaml that are timed for Table 2."""
    return [name for name, entry in bench.complexity.items() if entry.timed]


def active_baselines(bench: Configuration) -> list[str]:
    """The active methods that are baselines."""
    return [name for name in bench.main.methods if name in bench.baselines]


def timed_baselines(bench: Configuration) -> list[str]:
    """The active baselines whose code and weights are all here: those that can be timed for Table 2."""
    needed = {name: len(entry.weights) + entry.source.checkout for name, entry in bench.baselines.items()}
    return [name for name in active_baselines(bench) if len(baseline_input(bench, name)) == needed[name]]


def baseline_timing(bench: Configuration, name: str) -> Entry:
    """What ``benchmark.complexity.timing --spec`` gets for a baseline."""
    settings = bench.main.baselines
    options = {"baseline": name, "sources": settings.sources, "weights": settings.weights.get(name, "official")}
    about = bench.methods[name].model_dump(include={"title", "steps"})
    return {**about, "precision": "its own", "pipeline": "baselines.runner.timing:pipeline", "options": options}


def table2(bench: Configuration) -> Entry:
    """What ``benchmark.tables.complexity --spec`` gets.

    Of the active baselines, those whose code is here can be counted.
    """
    root = Path(bench.main.baselines.sources)
    counted = {}
    for name in active_baselines(bench):
        descriptor = bench.baselines[name]
        if not descriptor.source.checkout or (root / descriptor.source.folder / ".git").exists():
            counted[name] = descriptor.model_dump(include={"title", "steps"})
    readings = {
        entry.title: {
            figure: reading.model_dump(mode="json", by_alias=True, exclude_none=True)
            for figure, reading in entry.readings.items()
        }
        for entry in bench.complexity.values()
    }
    return {"readings": readings, "baselines": counted}


def demo_training(bench: Configuration, name: str) -> Entry:
    """What osediff.training.train_demo_backbone gets for a backbone that a rule trains."""
    recipe = bench.backbones[name].recipe
    assert recipe is not None
    return recipe.model_dump(exclude_unset=True) | {"degradation": bench.degradations[recipe.degradation].model_dump()}
