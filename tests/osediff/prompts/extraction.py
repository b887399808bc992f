"""An extractor that tests can check, and how they run the command with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from osediff.common.settings import parse, write
from osediff.prompts import extract as command
from osediff.prompts.extractors import WEIGHTS, Describe
from osediff.prompts.prompt_file import (
    ExtractionSpec,
    FolderImages,
    PromptSource,
    StreamImages,
)
from tests.osediff.tiny import edit

BRIEF = edit({"steps": 2, "batch": 2})


def brightness(image: Tensor) -> str:
    """An extractor that sees no more than how bright an image is."""
    return f"gray {round(float(image.mean()) * 255)}"


def run_extraction(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    images: FolderImages | StreamImages,
    *options: Any,
    describe: Describe = brightness,
) -> Path:
    """Run the command with ``describe`` in place of RAM; return the file that it wrote."""
    monkeypatch.setattr(command, "load_extractor", lambda *_: describe)
    for name in ("ram", "ram-tags"):
        for file in WEIGHTS["ram"][name]:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file).write_text(file)
    out = tmp_path / "prompts.json"
    write(tmp_path / "spec.yaml", ExtractionSpec(extractor="ram", images=images))
    folders = [f"{name}={tmp_path / name}" for name in ("ram", "ram-tags")]
    arguments = ["--spec", tmp_path / "spec.yaml", "--weights", *folders, "--out", out, *options]
    monkeypatch.setattr(sys, "argv", ["extract", *map(str, arguments)])
    command.main()
    return out


def prompt_source(**change: Any) -> PromptSource:
    """Return what decided the prompts of a test set at the size of the tests' recipe."""
    images = {"kind": "folder", "scale_factor": 4, "process_size": 32, "sha256": {}} | change
    content = {"extractor": "dape", "weights": {}, "precision": "fp32", "device": "cpu", "images": images}
    return parse(content, PromptSource, "the tests' source")
