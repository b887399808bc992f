"""One list of versions: pyproject.toml, requirements.txt and environment.yml say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.helpers import ROOT

REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")


def pins(lines: list[str]) -> dict[str, str]:
    """Version by package; every line must pin exactly one."""
    versions = {}
    for line in lines:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)==([\w.!+]+)", line.strip())
        assert match, f"not an exact pin: {line!r}"
        versions[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    assert len(versions) == len(lines), "a package stands twice"
    return versions


def direct() -> dict[str, str]:
    """The pins of pyproject.toml, of every extra but [app], which needs an older pillow than requirements.txt has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [lines for name, lines in project["optional-dependencies"].items() if name != "app"]
    listed = dict.fromkeys(line for lines in [project["dependencies"], *extras] for line in lines)
    exact = [line for line in listed if "==" in line]
    ranges = [Requirement(line) for line in listed if "==" not in line and not line.startswith(project["name"])]
    assert [requirement.name for requirement in ranges] == ["pillow"], "every other version is exact"
    assert locked()["pillow"] in ranges[0].specifier
    return pins(exact) | {"pillow": locked()["pillow"]}


def locked() -> dict[str, str]:
    """Everything that requirements.txt installs."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", REQUIREMENTS, re.MULTILINE))


def test_requirements_hold_every_pin_of_the_project() -> None:
    everything = locked()
    assert {name: everything.get(name) for name in direct()} == direct()


def test_environment_yml_repeats_the_pins() -> None:
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    (listed,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    assert pins(listed) == direct()
    names = [entry for entry in dependencies if isinstance(entry, str)]
    assert any(re.match(r"python=+3\.11\b", name) for name in names) and any(n.startswith("pip") for n in names)


@pytest.mark.parametrize("path", sorted(ROOT.glob("baselines/*/environment.yaml")), ids=lambda path: path.parent.name)
def test_the_environment_of_a_baseline_pins_every_package(path: Path) -> None:
    dependencies = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
    (listed,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    assert {"torch", "numpy", "markupsafe"} <= pins(listed).keys(), "with what the packages themselves need"


def test_the_page_of_the_tool_is_tested_with_the_gradio_of_its_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / ".ci/app.txt").read_text(encoding="utf-8")
    beside = dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", text, re.MULTILINE))
    assert f"gradio=={beside['gradio']}" in project["optional-dependencies"]["app"]
    (pillow,) = [Requirement(line) for line in project["dependencies"] if line.startswith("pillow")]
    assert beside["pillow"] in pillow.specifier
    assert beside.keys() & locked().keys() == {"pillow"}, "everything else comes from requirements.txt"


def test_every_requirement_has_hashes_and_no_host() -> None:
    entries = re.split(r"^(?=[a-z0-9-]+==)", REQUIREMENTS, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", REQUIREMENTS)


def test_no_platform_installs_opencv_that_needs_a_display() -> None:
    # Beside the headless package it is the same module cv2, but asks for libGL.
    assert all(
        "sys_platform == 'never'" in line for line in REQUIREMENTS.splitlines() if line.startswith("opencv-python=")
    )
