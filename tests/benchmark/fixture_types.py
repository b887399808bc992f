"""Types of what the fixtures of this folder's conftest.py give."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ImagePair = tuple[np.ndarray, np.ndarray]
"""SR and HR, uint8 (H, W, 3)."""
Folders = tuple[Path, Path]
"""Of SR and of HR images."""
ImageSets = tuple[list[Path], list[Path]]
"""Of SR and of HR images."""
OfficialLog = dict[str, dict[str, float]]
"""Image -> metric -> value."""
PutWeights = Callable[..., None]
WriteWeights = Callable[[str, Any], Path]
"""Writes an object as the file of an entry of the registry's weights."""


@dataclass(frozen=True)
class Measured:
    """The official images as benchmark.evaluation.evaluate measures them."""

    rows: list[tuple[str, str, float]]
    notes: dict[str, str]

    def of(self, name: str, images: Iterable[str]) -> np.ndarray:
        """Values of one metric, in the order of ``images``; skips the test where it could not be measured."""
        values = {image: value for image, metric, value in self.rows if metric == name}
        if not values:
            pytest.skip(self.notes[name])
        return np.array([values[image] for image in images])
