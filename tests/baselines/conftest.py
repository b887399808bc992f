"""A fake baseline, run in a copy of the packages or in the process of a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.runner.descriptor import Descriptor
from osediff.common.settings import parse
from osediff.common.validation import read_yaml
from tests.baselines.fake_baseline import Fake


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """A copy of the packages with the fake baseline in it."""
    return Fake(tmp_path)


@pytest.fixture
def fake_descriptor() -> Descriptor:
    """The descriptor of the fake baseline, whose adapter the process of a test can import."""
    content = read_yaml(Path(__file__).parent / "fake" / "descriptor.yaml")
    content["runs"]["entry"] = "tests.baselines.fake.adapter:load"
    return parse(content, Descriptor, "fake")
