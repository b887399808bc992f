"""A fake baseline in a copy of the packages, for every test of the runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.baselines.fake_baseline import Fake


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(tmp_path)
