"""Editors get the schemas of today's models, and every configuration file names its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from osediff.common.files import read_json
from tests.helpers import ROOT
from workflow.schemas import generate as schemas

CONFIGURATION = [*(ROOT / "config").glob("*.yaml"), *(ROOT / "baselines").glob("*/descriptor.yaml")]


def test_the_schemas_are_those_of_the_models() -> None:
    files = {path.name.removesuffix(".schema.json"): read_json(path) for path in schemas.FOLDER.glob("*.schema.json")}
    generated = schemas.schemas()
    assert files.keys() == generated.keys()
    stale = [name for name in files if files[name] != generated[name]]
    assert not stale, "run: python -m workflow.schemas.generate"


@pytest.mark.parametrize("path", CONFIGURATION, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_configuration_file_names_its_schema(path: Path) -> None:
    match = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())
    assert match and (path.parent / match[1]).is_file()
