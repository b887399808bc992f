"""Ablations as trainings and rows: which runs an ablation needs, under which names, and what its table is made of.

An ablation's variants are trained on ``ablation_base`` once per seed of ``seeds``. Each such run is a method, called
``variant.base.seed``, unless the registry already has it as a method: what two tables share is made once. Variants
whose recipes are equal (the null prompt, where the base has it already) are one run, under the first one's name; a row
that would repeat the default's is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osediff.common.errors import InputError
from osediff.common.validation import known
from workflow.planning import prompts as prompting

if TYPE_CHECKING:
    from workflow.planning.config import Registry

Entry = dict[str, Any]


def active(bench: Registry) -> list[str]:
    """The ablations that have a test set at the active preset, in the order of the registry."""
    return [name for name, entry in bench.ablations.items() if bench.main["preset"] in entry["test_set"]]


def same(bench: Registry, variant: str) -> str:
    """The first variant of the registry that trains exactly as ``variant`` does on the ablations' base."""
    base = bench.main["ablation_base"]
    recipe = bench.variant(variant, base)
    return next(name for name in bench.variants["variants"] if bench.variant(name, base) == recipe)


def method(bench: Registry, variant: str, seed: int) -> str:
    """Name of the method that is ``variant`` on the ablations' base with ``seed``."""
    variant, base = same(bench, variant), bench.main["ablation_base"]
    if (base, seed) == (bench.main["base"], bench.main["seed"]):
        for name, entry in bench.methods.items():
            if entry["kind"] == "variant" and entry["variant"] == variant and "seed" not in entry:
                return name
    return f"{variant}.{base}.{seed}"


def methods(bench: Registry) -> Entry:
    """The methods that the ablations add to those of the registry."""
    added = {}
    for name in active(bench):
        for variant, title in rows(bench, name).items():
            for seed in bench.main["seeds"]:
                run = method(bench, variant, seed)
                if run not in bench.methods:
                    entry = {"variant": same(bench, variant), "base": bench.main["ablation_base"], "seed": seed}
                    added[run] = {"title": f"{title}, seed {seed}", "steps": 1, "kind": "variant", **entry}
    return added


def test_set(bench: Registry, name: str) -> str:
    """The test set of an ablation at the active preset."""
    return str(bench.ablations[name]["test_set"][bench.main["preset"]])


def rows(bench: Registry, name: str) -> dict[str, str]:
    """Variants and titles of an ablation's rows: all but those that ``absent`` names."""
    return {v: title for v, title in bench.ablations[name]["variants"].items() if v not in absent(bench, name)}


def published_name(bench: Registry, name: str, variant: str) -> str:
    """What a row is called in config/published: as the ablation says of it, or of a variant that trains as it does (at
    demo preset OSEDiff has the null prompt, so the paper's Null row stands beside it), or its title."""
    entry = bench.ablations[name]
    said = entry.get("published", {})
    twins = [other for other in entry["variants"] if same(bench, other) == same(bench, variant)]
    return str(next((said[twin] for twin in [variant, *twins] if twin in said), entry["variants"][variant]))


def absent(bench: Registry, name: str) -> dict[str, str]:
    """Variants that are no rows of an ablation, and why: they train exactly as the default does, or their prompts want
    weights that are not here (those of the default are brought by a rule)."""
    listed, default = bench.ablations[name]["variants"], bench.variants["default"]
    found = {}
    wanted = extractors(bench, default)
    for variant, title in listed.items():
        lacking = [
            each for each in extractors(bench, variant) if each not in wanted and not prompting.available(bench, each)
        ]
        if variant != default and same(bench, variant) == same(bench, default):
            found[variant] = f"{title}: trains exactly as {listed[default]} does at {bench.main['preset']} preset"
        elif lacking:
            folders = [
                prompting.weights_folder(bench, each) for each in bench.prompts["extractors"][lacking[0]]["weights"]
            ]
            manifests = " ".join(f"{folder}/manifest.json" for folder in folders)
            found[variant] = f"{title}: no row without weights: snakemake --cores 1 {manifests} (config/prompts.yaml)"
    return found


def extractors(bench: Registry, variant: str) -> list[str]:
    """The prompt extractors that a variant needs on the ablations' base."""
    entry = prompting.told(bench, variant, bench.main["ablation_base"])
    return [entry["training"]["extractor"], entry["restoration"]] if "training" in entry else []


def runs(bench: Registry, name: str) -> dict[str, list[str]]:
    """The methods of each row of an ablation, in the order of ``seeds``."""
    return {variant: [method(bench, variant, seed) for seed in bench.main["seeds"]] for variant in rows(bench, name)}


def trainings(bench: Registry, name: str) -> list[str]:
    """Checkpoint folders that an ablation needs, each once."""
    return list(dict.fromkeys(bench.checkpoint(run) for row in runs(bench, name).values() for run in row))


def evaluations(bench: Registry, name: str) -> list[str]:
    """Evaluation files that an ablation's table is made of, each once."""
    found = (
        f"{bench.runs}/evaluate/{run}/{test_set(bench, name)}.csv" for row in runs(bench, name).values() for run in row
    )
    return list(dict.fromkeys(found))


def spec(bench: Registry, name: str) -> Entry:
    """What ``benchmark.tables.ablation --spec`` gets."""
    entry, data, shown = bench.ablations[name], test_set(bench, name), rows(bench, name)
    return {
        "name": name,
        "preset": bench.main["preset"],
        "title": entry["title"],
        "test_set": data,
        "test_set_title": bench.testsets[data]["title"],
        "published_test_set": entry["test_set"].get("paper", ""),
        "metrics": [metric for metric in entry["metrics"] if metric in bench.main["metrics"]],
        "default": bench.variants["default"],
        "remarks": list(absent(bench, name).values()),
        "extraction": entry.get("extraction", False),
        "rows": {
            variant: {
                "title": title,
                "runs": runs(bench, name)[variant],
                "prompts": prompting.of_test_set(bench, runs(bench, name)[variant][0], data),
                "published": published_name(bench, name, variant),
                "paper": entry.get("paper", {}).get(variant, ""),
            }
            for variant, title in shown.items()
        },
    }


def curves(bench: Registry, name: str) -> Entry:
    """What ``benchmark.figures.curves --spec`` gets: the training logs of each row."""
    return {
        "preset": bench.main["preset"],
        "title": bench.ablations[name]["title"],
        "default": bench.ablations[name]["variants"][bench.variants["default"]],
        "rows": {
            title: [f"{bench.checkpoint(run)}/log.jsonl" for run in runs(bench, name)[variant]]
            for variant, title in rows(bench, name).items()
        },
    }


def plan(bench: Registry) -> Entry:
    """What ``benchmark.tables.training_cost --spec`` gets."""
    base = bench.main["ablation_base"]
    while base not in bench.costs:
        base = bench.variants["bases"][base]["base"]
    return {
        "preset": bench.main["preset"],
        "seeds": bench.main["seeds"],
        "steps": bench.base(bench.main["ablation_base"])["steps"],
        "cost": bench.costs[base],
        "ablations": [
            {
                "title": bench.ablations[name]["title"],
                "rows": len(rows(bench, name)),
                "trainings": trainings(bench, name),
            }
            for name in active(bench)
        ],
    }


def check(bench: Registry) -> None:
    """InputError at the first thing in config/ablations.yaml that does not fit the other files."""
    known("variant", bench.variants["default"], bench.variants["variants"], "config/variants.yaml: default")
    for name, entry in bench.variants["bases"].items():
        if "base" not in entry and name not in bench.costs:
            raise InputError(
                f"config/costs.yaml: no cost of a training step of base {name}; add an entry, an estimate will do"
            )
    for name, entry in bench.ablations.items():
        source = f"config/ablations.yaml: {name}"
        if name in bench.tables:
            raise InputError(f"{source}: config/tables.yaml has a table of this name; both would be results/{name}.csv")
        for metric in entry["metrics"]:
            known("metric", metric, bench.metrics["metrics"], source)
        for variant in [*entry["variants"], *entry.get("published", {}), *entry.get("paper", {})]:
            known("variant", variant, bench.variants["variants"], source)
        if bench.variants["default"] not in entry["variants"]:
            raise InputError(
                f"{source}: lacks the default variant {bench.variants['default']}, with which the others are compared; "
                "add it to variants"
            )
        titles = list(entry["variants"].values())
        twice = [title for title in titles if titles.count(title) > 1]
        if twice:
            raise InputError(f"{source}: two rows are called {twice[0]!r}; they could not be told apart")
        for data in entry["test_set"].values():
            known("test set", data, bench.testsets, source)
