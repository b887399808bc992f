"""The runs that an ablation needs, their names, and the specs of its table.

An ablation's variants are trained on ``ablation_base`` once for each of ``seeds``. Each such run is a method, called
``variant.base.seed``, unless the registry has this method already, so that tables share runs. Variants with equal
recipes (for example the null prompt on a base without prompts) are one run, with the name of the first variant. A row
that would repeat the default's row is left out.
"""

from __future__ import annotations

from benchmark.tables.specs import (
    AblationRow,
    AblationSpec,
    CurvesSpec,
    PlannedAblation,
    PlannedImages,
    TrainingCostSpec,
)
from workflow.planning import paths, prompts
from workflow.planning.configuration import Configuration
from workflow.planning.recipes import chain
from workflow.planning.settings import Method, VariantMethod


def active(bench: Configuration) -> list[str]:
    """Return the ablations that have a test set at the active preset, in the order of the registry."""
    return [name for name, entry in bench.ablations.items() if entry.test_set.at(bench.main.preset)]


def canonical_variant(bench: Configuration, variant: str) -> str:
    """Return the first variant of the registry with the recipe of ``variant`` on the ablations' base."""
    base = bench.main.ablation_base
    recipe = bench.recipe(variant, base)
    return next(name for name in bench.variants.variants if bench.recipe(name, base) == recipe)


def method(bench: Configuration, variant: str, seed: int) -> str:
    """Return the name of the method that is ``variant`` on the ablations' base with ``seed``."""
    variant, base = canonical_variant(bench, variant), bench.main.ablation_base
    if (base, seed) == (bench.main.recipe_base, bench.main.seed):
        for name, entry in bench.methods.items():
            if isinstance(entry, VariantMethod) and entry.variant == variant and entry.seed is None:
                return name
    return f"{variant}.{base}.{seed}"


def methods(bench: Configuration) -> dict[str, Method]:
    """Return the methods that the ablations add to those of the registry."""
    added: dict[str, Method] = {}
    for name in active(bench):
        for variant, title in rows(bench, name).items():
            for seed in bench.main.seeds:
                run = method(bench, variant, seed)
                if run not in bench.methods:
                    added[run] = VariantMethod(
                        kind="variant",
                        title=f"{title}, seed {seed}",
                        steps=1,
                        variant=canonical_variant(bench, variant),
                        recipe_base=bench.main.ablation_base,
                        seed=seed,
                    )
    return added


def test_set(bench: Configuration, name: str) -> str:
    """Return the test set of an ablation at the active preset."""
    return str(bench.ablations[name].test_set.at(bench.main.preset))


def rows(bench: Configuration, name: str) -> dict[str, str]:
    """Return the variants and titles of an ablation's rows: all but those of ``skipped_rows``."""
    return {v: title for v, title in bench.ablations[name].variants.items() if v not in skipped_rows(bench, name)}


def published_name(bench: Configuration, name: str, variant: str) -> str:
    """Return the name of a row in config/published: its own entry, that of an equal variant, or its title.

    Equal variants have one run: at demo preset OSEDiff has the null prompt, so it is compared with the paper's Null
    row.
    """
    entry = bench.ablations[name]
    names = entry.published
    equal = [other for other in entry.variants if canonical_variant(bench, other) == canonical_variant(bench, variant)]
    return str(next((names[other] for other in [variant, *equal] if other in names), entry.variants[variant]))


def skipped_rows(bench: Configuration, name: str) -> dict[str, str]:
    """Return the variants that are not rows of an ablation, with the reasons.

    They have the recipe of the default, or their prompts need weights that are not here. A rule fetches the weights of
    the default.
    """
    listed, default = bench.ablations[name].variants, bench.variants.default
    skipped = {}
    brought = extractors(bench, default)
    for variant, title in listed.items():
        lacking = [
            extractor
            for extractor in extractors(bench, variant)
            if extractor not in brought and not prompts.available(bench, extractor)
        ]
        if variant != default and canonical_variant(bench, variant) == canonical_variant(bench, default):
            skipped[variant] = f"{title}: trains exactly as {listed[default]} does at {bench.main.preset} preset"
        elif lacking:
            weights = prompts.extractor_weights(bench, lacking[0])
            manifests = " ".join(f"{paths.weights_folder(bench, folder)}/manifest.json" for folder in weights)
            skipped[variant] = f"{title}: no row without weights: snakemake --cores 1 {manifests} (config/prompts.yaml)"
    return skipped


def extractors(bench: Configuration, variant: str) -> list[str]:
    """Return the prompt extractors that a variant needs on the ablations' base."""
    config = prompts.prompt_config(bench, variant, bench.main.ablation_base)
    return [config.training.extractor, config.restoration] if config.training and config.restoration else []


def runs(bench: Configuration, name: str) -> dict[str, list[str]]:
    """Return the methods of each row of an ablation, in the order of ``seeds``."""
    return {variant: [method(bench, variant, seed) for seed in bench.main.seeds] for variant in rows(bench, name)}


def trainings(bench: Configuration, name: str) -> list[str]:
    """Return the checkpoint folders that an ablation needs, each once."""
    return list(dict.fromkeys(paths.checkpoint(bench, run) for row in runs(bench, name).values() for run in row))


def evaluations(bench: Configuration, name: str) -> list[str]:
    """Return the evaluation files that an ablation's table needs, each once."""
    files = (
        f"{bench.runs}/evaluate/{run}/{test_set(bench, name)}.csv" for row in runs(bench, name).values() for run in row
    )
    return list(dict.fromkeys(files))


def table_spec(bench: Configuration, name: str) -> AblationSpec:
    """Return the spec of benchmark.tables.ablation."""
    entry, data, of_row = bench.ablations[name], test_set(bench, name), runs(bench, name)
    return AblationSpec(
        name=name,
        preset=bench.main.preset,
        title=entry.title,
        note=entry.note,
        test_set=data,
        test_set_title=bench.test_sets[data].title,
        published_test_set=entry.test_set.paper or "",
        metrics=tuple(metric for metric in entry.metrics if metric in bench.main.metrics),
        default=bench.variants.default,
        remarks=tuple(skipped_rows(bench, name).values()),
        extraction=entry.extraction,
        rows={
            variant: AblationRow(
                title=title,
                runs=tuple(of_row[variant]),
                prompts=tuple(prompts.of_test_set(bench, of_row[variant][0], data)),
                published=published_name(bench, name, variant),
                published_remark=entry.published_remark.get(variant, ""),
            )
            for variant, title in rows(bench, name).items()
        },
    )


def curves_spec(bench: Configuration, name: str) -> CurvesSpec:
    """Return the spec of benchmark.figures.curves: the training logs of each row."""
    of_row = runs(bench, name)
    return CurvesSpec(
        preset=bench.main.preset,
        title=bench.ablations[name].title,
        default=bench.ablations[name].variants[bench.variants.default],
        rows={
            title: tuple(f"{paths.checkpoint(bench, run)}/log.jsonl" for run in of_row[variant])
            for variant, title in rows(bench, name).items()
        },
    )


def training_cost_spec(bench: Configuration) -> TrainingCostSpec:
    """Return the spec of benchmark.tables.training_cost."""
    ablation_base = bench.main.ablation_base
    base = next(name for name in chain(bench.variants, ablation_base) if name in bench.training_cost)
    planned = (
        PlannedAblation(
            title=bench.ablations[name].title,
            rows=len(rows(bench, name)),
            trainings=tuple(trainings(bench, name)),
        )
        for name in active(bench)
    )
    return TrainingCostSpec(
        preset=bench.main.preset,
        seeds=bench.main.seeds,
        steps=bench.recipe(bench.variants.default, ablation_base).recipe.steps,
        cost=bench.training_cost[base],
        ablations=tuple(planned),
        restorations=planned_restorations(bench),
        extractions=planned_extractions(bench),
    )


def planned_restorations(bench: Configuration) -> tuple[PlannedImages, ...]:
    """Return what each active baseline restores: the images of all active test sets whose number is known."""
    test_sets = [bench.test_sets[name] for name in bench.main.test_sets]
    images = sum((len(entry.cut.crops) if entry.kind == "photos" else entry.images) or 0 for entry in test_sets)
    baselines = (bench.methods[name] for name in bench.main.methods if name in bench.baselines)
    return tuple(
        PlannedImages(title=entry.title, images=images, method=entry.published or entry.title, metric="seconds")
        for entry in baselines
    )


def planned_extractions(bench: Configuration) -> tuple[PlannedImages, ...]:
    """Return the streams of training crops of which prompts are extracted, each once."""
    streams: dict[str, PlannedImages] = {}
    base = bench.main.ablation_base
    for variant in (variant for name in active(bench) for variant in rows(bench, name)):
        config = prompts.prompt_config(bench, variant, base).training
        if config is not None:
            recipe = bench.recipe(variant, base).recipe
            streams[prompts.stream(bench, variant, base)] = PlannedImages(
                title=bench.prompts.prompts[recipe.prompts].title,
                images=recipe.batch * recipe.steps * len(bench.main.seeds),
                method=bench.prompts.extractors[config.extractor].published,
                metric="extraction-seconds",
            )
    return tuple(streams.values())
