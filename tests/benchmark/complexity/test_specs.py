"""Settings of counting and timing: what an entry point gets, and mistakes that are one line."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from benchmark.complexity.specs import ComplexityEntry, TimingProtocol, entry_options
from osediff.common.errors import InputError
from osediff.common.settings import parse

ENTRY: dict[str, Any] = {
    "title": "One",
    "steps": 1,
    "modules": "a.b:modules",
    "pipeline": "a.b:pipeline",
    "backbone": "tiny",
    "extractor": True,
    "size": 512,
}
PROTOCOL: dict[str, Any] = {
    "includes": ["upsampling"],
    "precision": "fp16",
    "batch": 1,
    "warmup": "stable",
    "runs": None,
    "seconds": 5.0,
    "statistic": "median",
}


def test_a_method_s_networks_are_of_its_backbone_s_folder_or_sizes() -> None:
    entry = parse(ENTRY, ComplexityEntry, "complexity.yaml")
    assert entry_options(entry, "backbones/tiny", None) == {"backbone": "backbones/tiny", "extractor": True}
    sizes = {"unet": {"sample_size": 8}}
    assert entry_options(entry, "backbones/tiny", sizes) == {"backbone": sizes, "extractor": True}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"warmup": "unstable"}, "warmup"),
        ({"includes": ["color fixing"]}, "includes.0"),
        ({"precision": "fp8"}, "precision"),
        ({"seconds": 0}, "seconds"),
        ({"compiled": True}, "unknown key 'compiled', did you mean compile"),
    ],
)
def test_a_mistake_in_a_protocol_is_one_line(change: dict[str, Any], line: str) -> None:
    assert parse(PROTOCOL, TimingProtocol, "timing.yaml").warmup == "stable"
    with pytest.raises(InputError) as error:
        parse(PROTOCOL | change, TimingProtocol, "timing.yaml")
    assert line in str(error.value) and str(error.value).startswith("timing.yaml") and "\n" not in str(error.value)


def test_planning_imports_nothing_heavy_with_it() -> None:
    code = "import sys, benchmark.complexity.specs; print({'numpy', 'torch', 'pandas', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
