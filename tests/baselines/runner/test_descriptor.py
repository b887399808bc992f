"""Descriptors hold what a user must know of a baseline, and a mistake in one is one line with file and key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from baselines.runner import descriptor as descriptors
from baselines.runner.descriptor import FOLDER, list_names, read_descriptor
from osediff.common.errors import InputError

DIFFUSION = ["diffbir", "pasd", "resshift", "seesr", "sinsr", "stablesr"]
DIFFUSION += ["adcsr", "ctmsr", "hypir", "invsr", "pisasr", "s3diff", "tsdsr"]  # in one step


@pytest.mark.parametrize("name", list_names())
def test_a_descriptor_names_files_that_exist_and_its_license(name: str) -> None:
    descriptor = read_descriptor(name)
    paths = [str(path) for artifact in descriptor.artifacts for path in artifact.paths]
    assert len(set(paths)) == len(paths)
    assert descriptor.values.get("checkpoint", paths[0]) in paths
    module = descriptor.runs.entry.split(":")[0]
    assert (FOLDER.parent / Path(*module.split("."))).with_suffix(".py").is_file()
    environment = descriptor.runs.environment
    assert environment == "main" or (FOLDER / name / environment).is_file()
    license = descriptor.license
    assert license.commercial != any(word in license.id for word in ("NC", "S-Lab", "NOASSERTION"))
    assert {artifact.license for artifact in descriptor.artifacts} == {license.id}
    assert descriptor.source.checkout == (name in DIFFUSION)  # the others are built by spandrel


@pytest.mark.parametrize("name", list_names())
def test_the_readme_names_the_baselines_whose_license_must_be_accepted(name: str) -> None:
    descriptor = read_descriptor(name)
    licenses = (FOLDER.parent / "README.md").read_text(encoding="utf-8").partition("## License")[2]
    listed = re.findall(r"[\w-]+", licenses.partition("several baselines")[2].partition("are fetched only")[0])
    assert (descriptor.title in listed) != descriptor.license.commercial


def with_change(change: Callable[[Any], object]) -> Any:
    """The descriptor of ResShift, as YAML gives it, with a change."""
    content = yaml.safe_load((FOLDER / "resshift" / "descriptor.yaml").read_text(encoding="utf-8"))
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda content: content.update(tittle="x"), "unknown key 'tittle', did you mean title?"),
        (lambda content: content.pop("steps"), "key 'steps' is missing"),
        (lambda content: content["source"].update(commit="main"), "at source.commit: 'main' must match"),
        (
            lambda content: content["settings"]["chop_size"].update(value=[512]),
            "at settings.chop_size.value: must be one value: text, a number, true or false",
        ),
        (
            lambda content: content["settings"].update(steps={"value": 4, "from": "README"}),
            "steps is 15, but settings.steps is 4; make them equal",
        ),
    ],
)
def test_a_mistake_is_one_line_with_file_and_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], object], line: str
) -> None:
    path = tmp_path / "resshift" / "descriptor.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(with_change(change)), encoding="utf-8")
    monkeypatch.setattr(descriptors, "FOLDER", tmp_path)
    with pytest.raises(InputError, match=re.escape(line)) as raised:
        read_descriptor("resshift")
    assert str(raised.value).startswith(f"{path}: ") and "\n" not in str(raised.value)


def test_an_unknown_baseline_is_named_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"unknown baseline 'resshif', did you mean resshift\?"):
        read_descriptor("resshif")


@pytest.mark.parametrize("address", ["https://example.org/a/Method", "https://example.org/a/Method.git/"])
def test_a_checkout_has_the_name_of_its_repository(address: str) -> None:
    source = read_descriptor("resshift").source
    assert source.model_copy(update={"repository": address}).folder == "Method"
