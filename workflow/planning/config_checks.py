"""What the configuration must be beyond its schemas: names that exist, folders that are there, recipes that hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from osediff.common.errors import InputError
from osediff.common.validation import check_schema, known

if TYPE_CHECKING:
    from workflow.planning.config import Registry


def check_folders(registry: Registry) -> None:
    """InputError at the first given folder that is not there; what rules make or fetch need not be."""
    main = registry.main
    for name in main["timings"]:
        if not Path(name).is_file():
            raise InputError(f"configuration: timings: no file {name}; correct it, or leave it out")
    for name, folder in main["paths"].items():
        inside = ("LR", "HR") if name in registry.testsets else ("",)
        for path in (Path(folder) / part for part in inside):
            if not path.is_dir():
                raise InputError(f"configuration: paths: {name}: no folder {path}; correct it, or leave {name} out")
    for name in main["methods"]:
        for test_set in main["test_sets"] if "images" in registry.methods[name] else []:
            path = Path(registry.images_folder(name, test_set))
            if not path.is_dir():
                raise InputError(f"config/methods.yaml: {name}: images: no folder {path}; put its images there")


def check_names(registry: Registry) -> None:
    """InputError at the first name that no registry knows."""
    main, where = registry.main, "configuration"
    known("base", main["base"], registry.variants["bases"], where)
    known("way to compute", main["compute"], registry.compute, f"{where}: compute")
    for kind, key, names in (
        ("test set", "test_sets", registry.testsets),
        ("method", "methods", registry.methods),
        ("metric", "metrics", registry.metrics["metrics"]),
        ("table", "tables", registry.tables),
    ):
        for name in main[key]:
            known(kind, name, names, f"{where}: {key}")
    for name in main["paths"]:
        given = {**registry.testsets, **registry.photos, **registry.backbones, **registry.prompts["weights"]}
        known("test set, photo set, backbone or extractor's weights", name, given, f"{where}: paths")
    for key in ("weights", "python"):
        for name in main["baselines"][key]:
            known("baseline", name, registry.baselines, f"{where}: baselines.{key}")
    for name in main["pictures"]:
        known("test set", name, registry.testsets, f"{where}: pictures")
    for name, entry in registry.methods.items():
        if entry["kind"] == "variant":
            known("variant", entry["variant"], registry.variants["variants"], f"config/methods.yaml: {name}")
    for name, entry in registry.testsets.items():
        if entry["kind"] == "photos":
            known("degradation", entry["degradation"], registry.degradations, f"config/testsets.yaml: {name}")
    for name, entry in registry.tables.items():
        for metric in entry["metrics"]:
            known("metric", metric, registry.metrics["metrics"], f"config/tables.yaml: {name}")
        for method in entry.get("methods", []):
            known("method", method, registry.methods, f"config/tables.yaml: {name}")
    for name, entry in registry.metrics["metrics"].items():
        for weight in entry["weights"]:
            known("weights file", weight, registry.metrics["weights"], f"config/metrics.yaml: {name}")
    for name, entry in registry.backbones.items():
        if "recipe" in entry:
            known("photo set", entry["photos"], registry.photos, f"config/backbones.yaml: {name}")
            if entry["folder"] != f"runs/demo/backbones/{name}":
                raise InputError(f"config/backbones.yaml: {name}: the rule trains it into runs/demo/backbones/{name}")
            degradation = entry["recipe"]["degradation"]
            known("degradation", degradation, registry.degradations, f"config/backbones.yaml: {name}")
        elif ("mirrors" in entry or "random" in entry) and entry["folder"] != f"data/backbones/{name}":
            raise InputError(f"config/backbones.yaml: {name}: the rule brings it into data/backbones/{name}")
    for scale, entry in registry.scaling.items():
        known("entry of config/complexity.yaml", entry["model"], registry.complexity, f"config/scaling.yaml: {scale}")
    for name, entry in registry.complexity.items():
        known("backbone", entry["backbone"], registry.backbones, f"config/complexity.yaml: {name}")
    for name, entry in registry.prompts["prompts"].items():
        source = f"config/prompts.yaml: {name}"
        for extractor in [entry["training"]["extractor"], entry["restoration"]] if "training" in entry else []:
            known("extractor", extractor, registry.prompts["extractors"], source)
    for name, entry in registry.prompts["extractors"].items():
        for weights in entry["weights"]:
            known("weights", weights, registry.prompts["weights"], f"config/prompts.yaml: {name}")
    check_recipes(registry)


def check_recipes(registry: Registry) -> None:
    """InputError at the first variant whose recipe, merged over a base that is in use, is not one."""
    schema = registry.root / "workflow" / "schemas" / "recipe.schema.yaml"
    for name, entry in registry.variants["bases"].items():
        chain = [name]
        while "base" in entry:
            known("base", entry["base"], registry.variants["bases"], f"config/variants.yaml: {name}")
            chain.append(entry["base"])
            if len(set(chain)) < len(chain):
                raise InputError(f"config/variants.yaml: {name}: its bases go round in a circle: {' > '.join(chain)}")
            entry = registry.variants["bases"][entry["base"]]
    known("base", registry.main["ablation_base"], registry.variants["bases"], "configuration: ablation_base")
    for base in dict.fromkeys([registry.main["base"], registry.main["ablation_base"]]):
        for name in registry.variants["variants"]:
            source = f"config/variants.yaml: {name}"
            recipe = registry.variant(name, base)
            check_schema(recipe, schema, source)
            known("backbone", recipe["backbone"], registry.backbones, source)
            if "random" in registry.backbones[recipe["backbone"]]:
                raise InputError(f"{source}: {recipe['backbone']} has random weights, which never enter a table")
            known("photo set", recipe["photos"], registry.photos, source)
            known("prompts", recipe["prompts"], registry.prompts["prompts"], source)
            known("degradation", recipe["degradation"], registry.degradations, source)
            if not any(recipe["tune"].values()):
                raise InputError(f"{source}: tunes nothing; set one of {', '.join(recipe['tune'])} to true")
