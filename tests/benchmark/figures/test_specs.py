"""Settings of pictures: a box has something inside, and planning imports them without anything heavy."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from benchmark.figures.specs import PictureImage
from osediff.common.errors import InputError
from osediff.common.settings import parse
from tests.helpers import ROOT


@pytest.mark.parametrize("box", [[0, 0, 0, 8], [0, -1, 8, 8], [0, 0, 8]])
def test_a_box_is_four_numbers_with_something_inside(box: list[int]) -> None:
    image: dict[str, Any] = {"image": "a", "test_set": "T", "lr": "LR", "scale_factor": 4}
    image |= {"methods": [{"title": "A", "sr": "SR"}]}
    assert parse(image | {"box": [0, 4, 8, 8]}, PictureImage, "spec").box == (0, 4, 8, 8)
    with pytest.raises(InputError, match=r"^spec: at box"):
        parse(image | {"box": box}, PictureImage, "spec")


def test_planning_imports_nothing_heavy_with_it() -> None:
    code = "import sys, benchmark.figures.specs; print({'numpy', 'torch', 'matplotlib', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
