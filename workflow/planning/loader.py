"""Load the configuration: the main file and all registries, read once and checked before anything runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines.runner.descriptor import Descriptor
from benchmark.complexity.specs import ComplexityEntry, ScalingEntry
from benchmark.data.settings import PhotoSet, TestSet
from benchmark.data.submission import MANIFEST, read_submission
from benchmark.metrics.registry import parse_registry
from benchmark.tables.specs import StepCost
from osediff.common.errors import InputError
from osediff.common.settings import parse, parse_each
from osediff.common.validation import read_yaml
from osediff.data.degradation_recipe import Degradation
from osediff.models.settings import Backbone
from osediff.prompts.settings import PromptRegistry
from workflow.planning import ablations, checks, profiling
from workflow.planning.configuration import Configuration
from workflow.planning.recipes import build_variant
from workflow.planning.settings import (
    Ablation,
    BaselineMethod,
    ComputeEntry,
    MainConfig,
    Method,
    MethodEntry,
    Picture,
    ResultsMethod,
    Table,
    VariantRegistry,
)


def load(content: dict[str, Any], root: Path, texts: Collection[str] = ()) -> Configuration:
    """Read and check everything below ``root``/config that the main configuration refers to.

    Args:
        content: the main configuration, merged by Snakemake.
        root: the repository.
        texts: keys of ``content`` that were given on the command line, by --config.

    Raises:
        InputError: at the first mistake, in one line.
    """
    main = parse(content, MainConfig, "configuration", texts)
    folder = root / "config"

    def registry(name: str, model: Any) -> dict[str, Any]:
        return parse_each(read_yaml(folder / f"{name}.yaml"), model, f"config/{name}.yaml")

    def one(name: str, model: Any) -> Any:
        return parse(read_yaml(folder / f"{name}.yaml"), model, f"config/{name}.yaml")

    baselines = read_baselines(root)
    submitted = read_submissions(main.submissions) if main.submissions else {}
    main = main.model_copy(update={"methods": (*main.methods, *submitted)})
    degradations = registry("degradations", Degradation)
    bench = Configuration(
        main=main,
        methods=with_baselines(registry("methods", MethodEntry) | submitted, baselines, main),
        variants=one("variants", VariantRegistry),
        recipes={},
        test_sets=registry("testsets", TestSet),
        photos=registry("photos", PhotoSet),
        degradations=degradations,
        backbones=registry("backbones", Backbone),
        metrics=parse_registry(read_yaml(folder / "metrics.yaml"), "config/metrics.yaml", main.protocol),
        tables=registry("tables", Table),
        pictures=registry("pictures", Picture),
        ablations=registry("ablations", Ablation),
        training_cost=registry("training_cost", StepCost),
        compute=registry("compute", ComputeEntry),
        complexity=registry("complexity", ComplexityEntry),
        scaling=registry("scaling", ScalingEntry),
        prompts=one("prompts", PromptRegistry),
        baselines=baselines,
    )
    checks.check_names(bench)
    checks.check_published(bench, folder / "published")
    main = main.model_copy(update={"tables": shown_tables(bench)})
    bench = replace(bench, main=main)
    profiling.timing_choice(bench)
    recipes = {
        (variant, base): build_variant(bench.variants, degradations, variant, base)
        for base in dict.fromkeys([main.recipe_base, main.ablation_base])
        for variant in bench.variants.variants
    }
    bench = replace(bench, recipes=recipes)
    checks.check_recipes(bench)
    checks.check_ablations(bench)
    checks.check_scale_factors(bench)
    return replace(bench, methods=bench.methods | ablations.methods(bench))


def shown_tables(bench: Configuration) -> tuple[str, ...]:
    """Return the chosen tables without those of which no metric is active, as far as any is left."""
    chosen = bench.main.tables
    active = set(bench.main.metrics)
    return tuple(name for name in chosen if active & set(bench.tables[name].metrics)) or chosen


def read_submissions(folder: str) -> dict[str, ResultsMethod]:
    """Return a method for each submission in ``folder``; its title ends with the name of its file."""
    if not Path(folder).is_dir():
        raise InputError(f"configuration: submissions: no folder {folder}; correct it, or leave it out")
    submitted: dict[str, ResultsMethod] = {}
    for path in sorted(Path(folder).iterdir()):
        if path.suffix == ".zip" or (path / MANIFEST).is_file():
            content, name = read_submission(path), path.name.removesuffix(".zip")
            title = f"{content.title} ({name})"
            entry = {"kind": "results", "title": title, "steps": content.steps, "submission": str(path)}
            submitted |= parse_each({name: entry}, ResultsMethod, str(path))
    return submitted


def read_baselines(root: Path) -> dict[str, Descriptor]:
    """Read the descriptors below ``root``/baselines, by name."""
    descriptors = {}
    for path in sorted((root / "baselines").glob("*/descriptor.yaml")):
        descriptors[path.parent.name] = parse(read_yaml(path), Descriptor, str(path.relative_to(root)))
    return descriptors


def with_baselines(methods: dict[str, Method], baselines: dict[str, Descriptor], main: MainConfig) -> dict[str, Method]:
    """Return the methods of config/methods.yaml, and every baseline as a method of its name."""
    result = dict(methods)
    for name, descriptor in baselines.items():
        if name in methods:
            raise InputError(f"config/methods.yaml: {name} is a baseline already; give yours another name")
        title, published = descriptor.title, descriptor.published
        weights = main.baselines.weights.get(name, "official")
        if weights == "official":
            kind = None
        else:
            # It is compared with published values, but no table or figure may present it as the published method.
            title, published, kind = f"{title} ({weights} weights)", published or title, weights
        result[name] = BaselineMethod(
            kind="baseline", title=title, steps=descriptor.steps, published=published, weights=kind
        )
    return result
