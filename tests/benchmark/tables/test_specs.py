"""Specs of tables and figures: names by which rows are found, and what would look alike."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from benchmark.tables.specs import PRESETS, AblationSpec, ComparisonSpec, ShownMethod
from osediff.common.errors import InputError
from osediff.common.settings import parse
from tests.helpers import ROOT

COMPARISON: dict[str, Any] = {
    "preset": "demo",
    "metrics": ["psnr"],
    "methods": {"a": {"title": "A", "steps": 1}, "b": {"title": "B", "steps": 0}},
    "test_sets": {"one": {"title": "One"}},
}
ROW = {"title": "Default", "runs": ["a.0", "a.1"]}
ABLATION: dict[str, Any] = {"name": "t", "preset": "demo", "title": "T", "test_set": "one", "test_set_title": "One"}
ABLATION |= {"metrics": ["psnr"], "default": "a", "rows": {"a": ROW, "b": ROW | {"runs": ["b.0"]}}}


def test_a_method_is_published_under_its_title_or_another_name() -> None:
    assert ShownMethod(title="FeMaSR", steps=1).published_name == "FeMaSR"
    assert ShownMethod(title="FeMaSR", steps=1, published="FeMASR").published_name == "FeMASR"


def test_two_methods_of_one_title_are_refused() -> None:
    assert parse(COMPARISON, ComparisonSpec, "spec").methods["b"].steps == 0
    methods = {"a": {"title": "A", "steps": 1}, "b": {"title": "A", "steps": 0}}
    with pytest.raises(InputError, match="two methods have the title A; their rows would look alike"):
        parse(COMPARISON | {"methods": methods}, ComparisonSpec, "spec")


def test_an_ablation_has_as_many_seeds_as_its_longest_row() -> None:
    assert parse(ABLATION, AblationSpec, "spec").seeds == 2
    with pytest.raises(InputError, match=r"^spec: at rows\.a\.runs"):
        parse(ABLATION | {"rows": {"a": ROW | {"runs": []}}}, AblationSpec, "spec")


def test_every_preset_is_said_in_a_sentence() -> None:
    for preset in ("demo", "reproduce", "paper"):
        assert parse(COMPARISON | {"preset": preset}, ComparisonSpec, "spec").preset in PRESETS
    assert all(sentence.endswith(".") for sentence in PRESETS.values())


def test_planning_imports_nothing_heavy_with_it() -> None:
    code = "import sys, benchmark.tables.specs; print({'numpy', 'torch', 'pandas', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
