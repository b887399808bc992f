"""What FeMaSR's official code gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def reference() -> Any:
    """Shapes of FeMaSR's official checkpoint, and pixels that the official code gave with ``reference_weights``."""
    return json.loads((Path(__file__).parent / "reference.json").read_text())


@pytest.fixture(autouse=True)
def architecture() -> None:
    """Skip where the package of the network is not installed."""
    pytest.importorskip("spandrel_extra_arches")
