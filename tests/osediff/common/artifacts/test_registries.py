"""The artifacts of the registries: found by group and name, with the license of the entry that they belong to."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from osediff.common.artifacts.registries import GROUPS, choose
from osediff.common.errors import InputError
from tests.helpers import ROOT


def test_names_that_are_not_there_are_answered_by_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown group 'photos', did you mean photographs"):
        choose(["photos"], [], ROOT)
    with pytest.raises(InputError, match="run this in the repository's folder"):
        choose(["backbones"], [], ROOT / "tests")


@pytest.mark.parametrize("group", list(GROUPS))
def test_every_artifact_of_this_repository_has_a_license_and_a_way_to_get_it(group: str) -> None:
    named = GROUPS[group].artifacts(ROOT)
    assert named
    for artifact in (artifact for artifacts in named.values() for artifact in artifacts):
        assert artifact.license and artifact.contents and (artifact.mirrors or artifact.manual_source)


def test_a_name_chooses_its_entry_in_the_groups_that_have_it() -> None:
    groups = choose([], ["lpips-vgg"], ROOT)
    assert [(group, list(named)) for group, named in groups.items() if named] == [("metric-weights", ["lpips-vgg"])]


def test_a_baseline_s_weights_have_the_license_of_its_descriptor(tmp_path: Path) -> None:
    weights = [{"mirrors": [{"url": "https://example.org/{file}"}], "files": {"b.pth": None}}]
    for name, commercial in (("free", True), ("research", False)):
        (tmp_path / "baselines" / name).mkdir(parents=True)
        descriptor = {"license": {"id": name, "commercial": commercial}, "weights": weights}
        (tmp_path / "baselines" / name / "descriptor.yaml").write_text(yaml.safe_dump(descriptor))
    named = GROUPS["baselines"].artifacts(tmp_path)
    assert {name: (artifact.license, artifact.accept) for name, (artifact,) in named.items()} == {
        "free": ("free", None),
        "research": ("research", "research"),
    }
