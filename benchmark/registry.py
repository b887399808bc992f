"""The configuration: the main file and one registry per axis, checked in full before anything runs.

Only YAML and JSON Schema are imported here, since the Snakefile reads this at every start.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark import ablations
from benchmark.protocols import resolve
from benchmark.weights import weight_file
from benchmark.workers import sensible
from contracts.checks import check_schema, known, read_yaml
from contracts.errors import InputError

REGISTRIES = (
    "methods",
    "variants",
    "testsets",
    "photos",
    "degradations",
    "backbones",
    "metrics",
    "tables",
    "ablations",
    "costs",
    "compute",
    "complexity",
    "scaling",
    "prompts",
)
Entry = dict[str, Any]
STREAM = ("crop", "scale", "degradation", "enlarge_modes")  # of a recipe: what its training pairs are, with the photos


def merged(base: Entry, change: Entry) -> Entry:
    """``base`` with the keys of ``change`` over it, dictionaries merged at every depth.

    A dictionary that changes its ``kind`` replaces the other whole: settings of one kind mean nothing to another.
    """
    if change.get("kind", base.get("kind")) != base.get("kind"):
        return copy.deepcopy(change)
    result = copy.deepcopy(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def files_below(folder: str) -> list[str]:
    """Every file below ``folder``, hidden ones left out, sorted; none when there is no such folder (yet)."""
    found = (path for path in Path(folder).rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(map(str, found))


@dataclass(frozen=True)
class Registry:
    """The checked configuration; each attribute named after a registry holds that file's content.

    Paths are relative to the repository. What a rule waits for ("input") is only what exists or what a rule makes: a
    given folder that is absent must not stop a dry run, it stops the job that reads it, in one line.
    """

    root: Path
    main: Entry
    methods: Entry
    variants: Entry
    testsets: Entry
    photos: Entry
    degradations: Entry
    backbones: Entry
    metrics: Entry
    tables: Entry
    ablations: Entry
    baselines: Entry
    costs: Entry
    compute: Entry
    complexity: Entry
    scaling: Entry
    prompts: Entry

    @property
    def runs(self) -> str:
        """Folder of the active scale's intermediate files."""
        return f"runs/{self.main['scale']}"

    # Training: variants, photographs, backbones

    def base(self, name: str) -> Entry:
        """A base recipe in full: a base may itself name the ``base`` that it changes."""
        entry = dict(self.variants["bases"][name])
        below = entry.pop("base", None)
        return merged(self.base(below), entry) if below else entry

    def variant(self, name: str, base: str | None = None) -> Entry:
        """The full recipe of a variant: its own keys over a base, which is the active one if none is given."""
        return merged(self.base(base or self.main["base"]), self.variants["variants"][name])

    def training(self, name: str, base: str | None = None) -> Entry:
        """What ``osediff.train --recipe`` gets: degradation spelt out, backbone and photos left out."""
        recipe = self.variant(name, base)
        recipe["degradation"] = self.degradations[recipe["degradation"]]
        return {key: value for key, value in recipe.items() if key not in ("backbone", "photos")}

    def recipe(self, method: str) -> Entry:
        """The full recipe of a method of kind ``variant``."""
        return self.variant(self.methods[method]["variant"], self.methods[method].get("base"))

    def training_options(self) -> list[str]:
        """Options of ``osediff.train`` for how it is computed."""
        chosen = self.compute[self.main["compute"]]
        options = ["--device", self.main["device"], "--precision", chosen["precision"], "--workers", chosen["workers"]]
        options += ["--micro-batch", chosen["micro_batch"]] if chosen["micro_batch"] else []
        options += ["--gradient-checkpointing"] if chosen["gradient_checkpointing"] else []
        return list(map(str, options))

    # Prompts: weights of extractors, prompts of training streams and of test sets

    def extractor_folder(self, weights: str) -> str:
        """Folder of an extractor's weights: where ``paths`` says, else where the rule brings them."""
        return str(self.main["paths"].get(weights, f"data/prompts/{weights}"))

    def extractor_input(self, extractor: str) -> list[str]:
        """What an extraction waits for: manifests of weights that the rule brings, or the files that are there."""
        found = []
        for weights in self.prompts["extractors"][extractor]["weights"]:
            folder = self.extractor_folder(weights)
            found += files_below(folder) if weights in self.main["paths"] else [f"{folder}/manifest.json"]
        return found

    def extractor_options(self, extractor: str) -> list[str]:
        """Options of ``osediff.prompts`` that name an extractor and its weights."""
        weights = self.prompts["extractors"][extractor]["weights"]
        half = ["--half"] if self.main["device"] == "cuda" else []  # as the released code
        given = [f"{name}={self.extractor_folder(name)}" for name in weights]
        return ["--extractor", extractor, *half, "--device", self.main["device"], "--weights", *given]

    def has_extractor(self, extractor: str) -> bool:
        """Whether every weight of an extractor is here."""
        wanted = self.prompts["extractors"][extractor]["weights"]
        files = {name: self.prompts["weights"][name]["files"] for name in wanted}
        return all((Path(self.extractor_folder(name)) / file).is_file() for name in wanted for file in files[name])

    def prompts_of(self, variant: str, base: str | None = None) -> Entry:
        """What a variant is told about images, as config/prompts.yaml has it."""
        entry: Entry = self.prompts["prompts"][self.variant(variant, base)["prompts"]]
        return entry

    def stream(self, variant: str, base: str) -> str:
        """The first variant of the registry whose training stream and prompts are those of ``variant``: one
        extraction serves all of them."""

        def key(name: str) -> list[Any]:
            recipe = self.variant(name, base)
            return [recipe[each] for each in (*STREAM, "photos", "prompts")] + [recipe["batch"] * recipe["steps"]]

        return next(name for name in self.variants["variants"] if key(name) == key(variant))

    def stream_recipe(self, variant: str, base: str) -> Entry:
        """What ``osediff.prompts --stream`` gets: which training pairs there are, and nothing else of the recipe, so
        that another learning rate or loss extracts no prompt again."""
        recipe = self.training(variant, base)
        return {key: recipe[key] for key in (*STREAM, "steps", "batch")}

    def training_prompts(self, variant: str, base: str, seed: str) -> list[str]:
        """The file of a training's prompts; nothing where it has none."""
        if "training" not in self.prompts_of(variant, base):
            return []
        return [f"{self.runs}/prompts/train/{self.stream(variant, base)}/{base}/{seed}.json"]

    def restoration_prompts(self, method: str, test_set: str) -> list[str]:
        """The file of a test set's prompts for a method; nothing where it has none."""
        entry = self.methods[method]
        extractor = self.prompts_of(entry["variant"], entry.get("base")).get("restoration")
        return [f"{self.runs}/prompts/{extractor}/{test_set}.json"] if extractor else []

    def checkpoint(self, method: str) -> str:
        """Checkpoint folder of a method of kind ``variant``, made by rule ``train``."""
        entry = self.methods[method]
        base, seed = entry.get("base", self.main["base"]), entry.get("seed", self.main["seed"])
        return f"{self.runs}/train/{entry['variant']}/{base}/{seed}"

    def photo_folder(self, name: str) -> str:
        """Folder of a photo set: the one that a rule fills, or for a set that none makes, where ``paths`` says."""
        own = f"data/photos/{name}"
        return str(self.main["paths"].get(name, own)) if "get" in self.photos[name] else own

    def photo_input(self, name: str) -> list[str]:
        """What training on a photo set waits for."""
        folder = self.photo_folder(name)
        if "get" not in self.photos[name]:
            return [f"{folder}/manifest.json"]
        return [folder] if Path(folder).is_dir() else []

    def backbone_folder(self, name: str) -> str:
        """Folder of a backbone: where ``paths`` says, else where the registry says."""
        return str(self.main["paths"].get(name, self.backbones[name]["folder"]))

    def backbone_input(self, name: str) -> list[str]:
        """What a job with this backbone waits for: what a rule trains or fetches, or the files that are there."""
        folder, entry = self.backbone_folder(name), self.backbones[name]
        if name in self.main["paths"] or not ("recipe" in entry or "mirrors" in entry):
            return files_below(folder)
        return [folder if "recipe" in entry else f"{folder}/manifest.json"]

    def pretraining(self, name: str) -> Entry:
        """What ``osediff.pretrain --recipe`` gets for a backbone that a rule trains: its degradation spelt out."""
        recipe: Entry = self.backbones[name]["recipe"]
        return recipe | {"degradation": self.degradations[recipe["degradation"]]}

    def count(self, name: str) -> Entry:
        """What ``benchmark.complexity --spec`` gets for an entry of config/complexity.yaml."""
        entry = self.complexity[name]
        backbone = self.backbones[entry["backbone"]]
        sizes = backbone["random"]["sizes"] if "random" in backbone else backbone["folder"]
        kept = {key: entry[key] for key in ("title", "steps", "parts", "pipeline", "size")}
        return {**kept, "options": {"backbone": sizes, "extractor": entry["extractor"]}}

    def scaled(self) -> Entry:
        """What ``benchmark.scaling --spec`` gets at the active scale."""
        entry = self.scaling[self.main["scale"]]
        return {**self.count(entry["model"]), **{key: value for key, value in entry.items() if key != "model"}}

    def timed(self) -> list[str]:
        """Entries of config/complexity.yaml that are timed for Table 2."""
        return [name for name, entry in self.complexity.items() if entry["timed"]]

    def timed_baselines(self) -> list[str]:
        """The active baselines whose code and weights are all here: those that can be timed for Table 2."""
        active = [name for name in self.main["methods"] if name in self.baselines]
        wanted = {
            name: len(self.baselines[name]["weights"]) + self.baselines[name]["source"]["checkout"] for name in active
        }
        return [name for name in active if len(self.baseline_input(name)) == wanted[name]]

    def baseline_timing(self, name: str) -> Entry:
        """What ``benchmark.timing --spec`` gets for a baseline."""
        main = self.main["baselines"]
        options = {"baseline": name, "sources": main["sources"], "weights": main["weights"].get(name, "official")}
        about = {"title": self.methods[name]["title"], "steps": self.methods[name]["steps"]}
        return {**about, "precision": "its own", "pipeline": "baselines.timing:pipeline", "options": options}

    def interpreter(self, baseline: str) -> str:
        """The Python that a baseline's code runs in."""
        return str(self.main["baselines"]["python"].get(baseline, "python"))

    def table2(self) -> Entry:
        """What ``benchmark.table2 --spec`` gets. Of the active baselines, those whose code is here can be counted."""
        root = Path(self.main["baselines"]["sources"])
        counted = {}
        for name in filter(self.baselines.__contains__, self.main["methods"]):
            source = self.baselines[name]["source"]
            if not source["checkout"] or (root / source["repository"].split("/")[-1] / ".git").exists():
                counted[name] = {"title": self.baselines[name]["title"], "steps": self.baselines[name]["steps"]}
        readings = {entry["title"]: entry.get("readings", {}) for entry in self.complexity.values()}
        return {"readings": readings, "baselines": counted}

    # Test sets

    def test_sets_of(self, kind: str) -> list[str]:
        """All test sets of a kind."""
        return [name for name, entry in self.testsets.items() if entry["kind"] == kind]

    def test_set_folder(self, name: str) -> str:
        """Folder that holds LR/ and HR/ of a test set: where ``paths`` says, else below data/testsets/."""
        return str(self.main["paths"].get(name, f"data/testsets/{name}"))

    def test_set_input(self, name: str) -> list[str]:
        """What a test set's manifest waits for: the two folders that rules make, or the images that are there."""
        folders = [f"{self.test_set_folder(name)}/{part}" for part in ("LR", "HR")]
        if self.testsets[name]["kind"] == "photos":
            return folders
        if "download" in self.testsets[name] and name not in self.main["paths"]:
            return []  # the job itself fetches what is not there
        return [path for folder in folders for path in files_below(folder)]

    def test_set_options(self, name: str) -> list[str]:
        """Options of ``benchmark.testsets manifest`` for what the registry knows of a test set."""
        entry = self.testsets[name]
        options = ["--scale", str(entry["scale"])]
        if "images" in entry:
            options += ["--images", str(entry["images"])]
        if "lr_sizes" in entry:
            options += ["--lr-size", *("{}x{}".format(*size) for size in entry["lr_sizes"])]
        if "known" in entry:
            options += ["--known", entry["known"]]
        if "download" in entry and name not in self.main["paths"]:
            options += ["--download", json.dumps(entry["download"])]
            options += ["--offline"] if self.main["offline"] else []
        return options

    def evaluation_threads(self, name: str, cores: int) -> int:
        """How many of ``cores`` an evaluation on a test set can use."""
        return sensible(self.testsets[name].get("images", len(self.test_set_input(name)) // 2), cores)

    # Methods, tables, figures

    def methods_of(self, kind: str) -> list[str]:
        """All methods of a kind."""
        return [name for name, entry in self.methods.items() if entry["kind"] == kind]

    def baseline_input(self, method: str) -> list[str]:
        """What a baseline's run waits for: of its weights and its checkout, what is there (the run verifies them)."""
        descriptor, root = self.baselines[method], Path(self.main["baselines"]["sources"])
        wanted = [root / "weights" / weight["path"] for weight in descriptor["weights"]]
        if descriptor["source"]["checkout"]:
            wanted.append(root / descriptor["source"]["repository"].split("/")[-1] / ".git" / "HEAD")
        return [str(path) for path in wanted if path.is_file()]

    def baseline_options(self, method: str) -> list[str]:
        """Options of ``baselines.run`` that the main file has for this baseline: which weights, which interpreter."""
        entry = self.main["baselines"]
        options = ["--weights", entry["weights"][method]] if method in entry["weights"] else []
        return options + (["--python", entry["python"][method]] if method in entry["python"] else [])

    def images_folder(self, method: str, test_set: str) -> str:
        """Folder of a method's SR images: an existing one for kind ``images``, else where its rule puts them."""
        existing = self.methods[method].get("images")
        return existing.format(test_set=test_set) if existing else f"{self.runs}/restore/{method}/{test_set}/SR"

    def images_input(self, method: str, test_set: str) -> list[str]:
        """What an evaluation waits for: the record of the restoring rule, or the images that exist already."""
        if "images" not in self.methods[method]:
            return [f"{self.runs}/restore/{method}/{test_set}/run.json"]
        return files_below(self.images_folder(method, test_set))

    def record_options(self, method: str, test_set: str) -> list[str]:
        """Option of ``benchmark.evaluate`` that names the record of the restoring rule, where there is one."""
        made_here = "images" not in self.methods[method]
        return ["--record", f"{self.runs}/restore/{method}/{test_set}/run.json"] if made_here else []

    def measuring(self) -> Entry:
        """What decides an evaluation besides the images: protocol, metrics, and which of their weights are here.

        Weights that appear make the rows again. Titles and decimals are the tables' business.
        """
        shown = ("title", "decimals", "unit", "range")
        chosen = {name: self.metrics["metrics"][name] for name in self.main["metrics"]}
        weights = {key: self.metrics["weights"][key] for metric in chosen.values() for key in metric["weights"]}
        found = {key: weight_file(entry) for key, entry in weights.items()}
        return {
            "protocol": self.metrics["protocol"],
            "libraries": self.metrics["libraries"],
            "metrics": {n: {k: v for k, v in metric.items() if k not in shown} for n, metric in chosen.items()},
            "weights": weights,
            "present": {key: path.stat().st_size for key, path in found.items() if path is not None},
        }

    def table(self, name: str) -> Entry:
        """What ``benchmark.tables --spec`` gets: the slice of the configuration that a table depends on."""
        compared = self.comparison()
        picked = [metric for metric in self.tables[name]["metrics"] if metric in self.main["metrics"]]
        methods = {method: compared["methods"][method] for method in self.methods_of_table(name)}
        spec = {**compared, **self.tables[name], "metrics": picked, "methods": methods}
        if self.main["show_published"]:
            spec["titles"] = {test_set: entry["title"] for test_set, entry in self.testsets.items()}
        return spec

    def methods_of_table(self, name: str) -> list[str]:
        """The active methods that are rows of a table: those that it names, and those that no table names; all of them
        where other tables name every one."""
        elsewhere = {m for table, entry in self.tables.items() if table != name for m in entry.get("methods", [])}
        active: list[str] = self.main["methods"]
        return [m for m in active if m in self.tables[name].get("methods", []) or m not in elsewhere] or active

    def compared_methods(self) -> list[str]:
        """The active methods, and bicubic interpolation as a control where it is not one of them."""
        bicubic = [name for name in self.methods_of("interpolation") if self.methods[name]["kernel"] == "bicubic"]
        active: list[str] = self.main["methods"]
        return active if set(bicubic) & set(active) else [*bicubic[:1], *active]

    def comparison(self) -> Entry:
        """What ``benchmark.statistics`` and ``benchmark.comparison`` get: every active metric, method and test set, and
        bicubic interpolation, against which every method is measured whether it is in a table or not."""

        def picked(entry: Entry, *keys: str) -> Entry:
            return {key: entry[key] for key in keys if key in entry}

        return {
            "scale": self.main["scale"],
            "metrics": self.main["metrics"],
            "methods": {m: picked(self.methods[m], "title", "steps", "published") for m in self.compared_methods()},
            "test_sets": {t: picked(self.testsets[t], "title", "images") for t in self.main["test_sets"]},
        }

    def restoration_options(self) -> list[str]:
        """Options of ``osediff.restore`` that are the same for every variant."""
        options = [(f"--{name.replace('_', '-')}", str(value)) for name, value in self.main["restoration"].items()]
        return [word for option in options for word in option]

    def pictures(self) -> dict[str, str]:
        """Image of each comparison picture by active test set."""
        return {name: image for name, image in self.main["pictures"].items() if name in self.main["test_sets"]}

    def picture_options(self, test_set: str) -> list[str]:
        """Options of ``benchmark.pictures`` that name each active method's images and rows."""
        options = []
        for name in self.main["methods"]:
            title = self.methods[name]["title"]
            options += ["--sr", f"{title}={self.images_folder(name, test_set)}"]
            options += ["--rows", f"{title}={self.runs}/evaluate/{name}/{test_set}.csv"]
        return options


def load(config: Entry, root: Path) -> Registry:
    """Reads and checks everything below ``root``/config that ``config`` (the merged main configuration) refers to."""
    schemas = root / "workflow" / "schemas"
    typed = {"true": True, "false": False}  # `--config offline=true` arrives as text, and so do the numbers of a list
    config = {key: typed.get(value, value) if isinstance(value, str) else value for key, value in config.items()}
    if isinstance(config.get("seeds"), list):
        config["seeds"] = [int(n) if isinstance(n, str) and n.isdecimal() else n for n in config["seeds"]]
    check_schema(config, schemas / "config.schema.yaml", "configuration")
    contents = {}
    for name in REGISTRIES:
        contents[name] = read_yaml(root / "config" / f"{name}.yaml")
        check_schema(contents[name], schemas / f"{name}.schema.yaml", f"config/{name}.yaml")
    contents["metrics"] = resolve(contents["metrics"], config["protocol"], "config/metrics.yaml")
    baselines = read_baselines(root)
    for name, descriptor in baselines.items():
        if name in contents["methods"]:
            raise InputError(f"config/methods.yaml: {name} is a baseline already; give yours another name")
        shown = {key: descriptor[key] for key in ("title", "steps", "published") if key in descriptor}
        weights = config["baselines"]["weights"].get(name, "official")
        if weights != "official":
            # No table or figure is to take it for the published method.
            shown = {"title": f"{descriptor['title']} ({weights} weights)", "steps": descriptor["steps"]}
        contents["methods"][name] = {**shown, "kind": "baseline"}
    registry = Registry(root=root, main=config, baselines=baselines, **contents)
    check_names(registry)
    ablations.check(registry)
    registry.methods.update(ablations.methods(registry))
    return registry


def read_baselines(root: Path) -> Entry:
    """The checked descriptors below ``root``/baselines by name; each is a method of that name."""
    found = {}
    for path in sorted((root / "baselines").glob("*/descriptor.yaml")):
        found[path.parent.name] = read_yaml(path)
        source = str(path.relative_to(root))
        check_schema(found[path.parent.name], root / "workflow" / "schemas" / "baselines.schema.yaml", source)
    return found


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
