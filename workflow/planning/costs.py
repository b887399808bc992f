"""Table 2, scaling and roofline: what is counted and timed of the configuration, and with which options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow.planning.config import Registry

Entry = dict[str, Any]


def count(bench: Registry, name: str) -> Entry:
    """What ``benchmark.complexity.complexity --spec`` gets for an entry of config/complexity.yaml."""
    entry = bench.complexity[name]
    backbone = bench.backbones[entry["backbone"]]
    sizes = backbone["random"]["sizes"] if "random" in backbone else backbone["folder"]
    kept = {key: entry[key] for key in ("title", "steps", "parts", "pipeline", "size")}
    return {**kept, "options": {"backbone": sizes, "extractor": entry["extractor"]}}


def scaled(bench: Registry) -> Entry:
    """What ``benchmark.complexity.scaling --spec`` gets at the active preset."""
    entry = bench.scaling[bench.main["preset"]]
    return {**count(bench, entry["model"]), **{key: value for key, value in entry.items() if key != "model"}}


def timed(bench: Registry) -> list[str]:
    """Entries of config/complexity.yaml that are timed for Table 2."""
    return [name for name, entry in bench.complexity.items() if entry["timed"]]


def timed_baselines(bench: Registry) -> list[str]:
    """The active baselines whose code and weights are all here: those that can be timed for Table 2."""
    active = [name for name in bench.main["methods"] if name in bench.baselines]
    wanted = {
        name: len(bench.baselines[name]["weights"]) + bench.baselines[name]["source"]["checkout"] for name in active
    }
    return [name for name in active if len(bench.baseline_input(name)) == wanted[name]]


def baseline_timing(bench: Registry, name: str) -> Entry:
    """What ``benchmark.complexity.timing --spec`` gets for a baseline."""
    main = bench.main["baselines"]
    options = {"baseline": name, "sources": main["sources"], "weights": main["weights"].get(name, "official")}
    about = {"title": bench.methods[name]["title"], "steps": bench.methods[name]["steps"]}
    return {**about, "precision": "its own", "pipeline": "baselines.runner.timing:pipeline", "options": options}


def table2(bench: Registry) -> Entry:
    """What ``benchmark.tables.complexity --spec`` gets. Of the active baselines, those whose code is here can be counted."""
    root = Path(bench.main["baselines"]["sources"])
    counted = {}
    for name in filter(bench.baselines.__contains__, bench.main["methods"]):
        source = bench.baselines[name]["source"]
        if not source["checkout"] or (root / source["repository"].split("/")[-1] / ".git").exists():
            counted[name] = {"title": bench.baselines[name]["title"], "steps": bench.baselines[name]["steps"]}
    readings = {entry["title"]: entry.get("readings", {}) for entry in bench.complexity.values()}
    return {"readings": readings, "baselines": counted}
