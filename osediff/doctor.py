"""Say what is installed: the packages of each extra, the shipped models, the devices, and where weights are looked for.

Nothing is fetched or written. ``python3 bench.py doctor`` is another one: it says which step of the paper is done.
"""

from __future__ import annotations

import argparse
import platform
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

from packaging.requirements import Requirement

from osediff.common.errors import InputError
from osediff.common.files import read_object, sha256
from osediff.common.shipped import PACKAGE, find_model
from osediff.common.weights import torch_home, weights_folder
from osediff.outcome import PROVENANCE

DISTRIBUTION = "osediff-benchmark"
INSTALL = "pip install '.[restore]' in a clone of the repository"
EXTRAS = {
    "restore": "osediff restore, export and push, and the Python interface",
    "train": "osediff train",
    "metrics": "osediff evaluate",
    "baselines": "python -m baselines.runner.run",
    "app": "osediff app",
}


def add_options(parser: argparse.ArgumentParser, named: bool = True) -> None:
    """Add no option: there is none."""


def requirements(extra: str) -> dict[str, Requirement]:
    """Return what ``extra`` installs beside the base, by name: of the clone that this is, or of the wheel."""
    project = PACKAGE.parent / "pyproject.toml"
    if project.is_file():
        lines = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"][extra]
        listed = [Requirement(line) for line in lines]
    else:
        every = [Requirement(line) for line in metadata(DISTRIBUTION).get_all("Requires-Dist") or []]
        listed = [one for one in every if one.marker and one.marker.evaluate({"extra": extra})]
    packages: dict[str, Requirement] = {}
    for one in listed:
        inner = [requirements(name) for name in one.extras] if one.name == DISTRIBUTION else [{one.name: one}]
        for some in inner:
            packages |= some
    return packages


def package_fault(package: Requirement) -> str:
    """Return what is wrong with the installed version of ``package``; empty: nothing."""
    try:
        present = version(package.name)
    except PackageNotFoundError:
        return f"{package.name} is missing"
    return "" if present in package.specifier else f"{package.name} is {present}, tested with {package.specifier}"


def package_faults(extra: str) -> list[str]:
    """Return what is wrong with the packages of ``extra``; empty: nothing."""
    return [fault for package in requirements(extra).values() if (fault := package_fault(package))]


def model_state(folder: Path) -> str:
    """Return whether the shipped checkpoint in ``folder`` has the bytes that its provenance names."""
    right = read_object(folder / PROVENANCE)["adapters"] == sha256(folder / "adapters.safetensors")
    return "complete" if right else "damaged: install again"


def devices() -> str:
    """Return the devices that torch has here."""
    try:
        import torch
    except ModuleNotFoundError:
        return "not known without torch"
    cuda = [f"cuda:{number} ({torch.cuda.get_device_name(number)})" for number in range(torch.cuda.device_count())]
    return ", ".join(["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])])


def execute(args: argparse.Namespace) -> None:
    """Print the state; InputError if even ``osediff restore`` cannot run."""
    print(f"Python {platform.python_version()}")
    faults = {extra: package_faults(extra) for extra in EXTRAS}
    for extra, use in EXTRAS.items():
        print(f"[{extra}]".ljust(12), f"{use}: {'; '.join(faults[extra]) or 'complete'}")
    checkpoint, backbone = find_model("checkpoints", None), find_model("backbones", None)
    print(f"checkpoint demo: {checkpoint}, {model_state(checkpoint)}")
    print(f"backbone demo: {backbone}")
    print(f"devices: {devices()}")
    print(f"weights of metrics are looked for in {weights_folder().resolve()} and in $TORCH_HOME, {torch_home()}")
    if missing := [fault for fault in faults["restore"] if fault.endswith("missing")]:
        raise InputError(f"osediff restore cannot run ({', '.join(missing)}): {INSTALL}")
