"""The configuration: the main file and one registry per axis, checked in full before anything runs.

Only YAML and JSON Schema are imported here, since the Snakefile reads this at every start.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.evaluation.workers import sensible
from benchmark.metrics.protocols import resolve
from benchmark.metrics.weights import weight_file
from osediff.common.errors import InputError
from osediff.common.files import files_below
from osediff.common.validation import check_schema, read_yaml
from workflow.planning import ablations
from workflow.planning import config_checks as registry_checks

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
        """Folder of the active preset's intermediate files."""
        return f"runs/{self.main['preset']}"

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
        """What ``osediff.train --recipe`` gets: degradation spelled out, backbone and photos left out."""
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
        """What ``osediff.training.train_demo_backbone --recipe`` gets for a backbone that a rule trains: its degradation spelled out."""
        recipe: Entry = self.backbones[name]["recipe"]
        return recipe | {"degradation": self.degradations[recipe["degradation"]]}

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
        """Options of ``benchmark.data.testsets manifest`` for what the registry knows of a test set."""
        entry = self.testsets[name]
        options = ["--scale-factor", str(entry["scale_factor"])]
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
        """Options of ``baselines.runner.run`` that the main file has for this baseline: which weights, which interpreter."""
        entry = self.main["baselines"]
        options = ["--weights", entry["weights"][method]] if method in entry["weights"] else []
        return options + (["--python", entry["python"][method]] if method in entry["python"] else [])

    def interpreter(self, baseline: str) -> str:
        """The Python that a baseline's code runs in."""
        return str(self.main["baselines"]["python"].get(baseline, "python"))

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
        """Option of ``benchmark.evaluation.evaluate`` that names the record of the restoring rule, where there is one."""
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
        """What ``benchmark.tables.quality --spec`` gets: the slice of the configuration that a table depends on."""
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
        """What ``benchmark.statistics.pairwise`` and ``benchmark.tables.published`` get: every active metric, method and test set, and
        bicubic interpolation, against which every method is measured whether it is in a table or not."""

        def picked(entry: Entry, *keys: str) -> Entry:
            return {key: entry[key] for key in keys if key in entry}

        return {
            "scale_factor": self.main["preset"],
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
        """Options of ``benchmark.figures.visual_comparison`` that name each active method's images and rows."""
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
    registry_checks.check_names(registry)
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
