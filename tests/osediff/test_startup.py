"""Restoring and training say what they are about, and find mistakes, before they import torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from osediff.common.images import write_png
from tests.helpers import ROOT
from tests.osediff.tiny import RECIPE, training_command

WITHOUT_TORCH = """
import runpy, sys
sys.modules["torch"] = None
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__")
"""


def run_without_torch(*command: object) -> tuple[int, list[str]]:
    """Run a module in a process that cannot import torch; return its exit code and the lines of its stderr."""
    line = [sys.executable, "-c", WITHOUT_TORCH, *map(str, command)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)
    return done.returncode, done.stderr.splitlines()


def test_restoring(checkpoint: Path, backbone_folder: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "LR" / "a.png", np.zeros((8, 8, 3), np.uint8))
    fixed = ["--checkpoint", checkpoint, "--backbone", backbone_folder, "--output", tmp_path / "SR"]
    code, lines = run_without_torch("osediff.restore", *fixed, "--input", tmp_path / "LR")
    assert lines[0] == f"restoring 1 image of {tmp_path / 'LR'} with {checkpoint} on {backbone_folder}"
    assert code == 1 and lines[-1].startswith("ModuleNotFoundError: import of torch")
    code, lines = run_without_torch("osediff.restore", *fixed, "--input", tmp_path / "other")
    assert (code, lines) == (2, [f"error: {tmp_path / 'other'}: no such image or folder"])


def test_training(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, lines = run_without_torch("osediff.train", *training_command(photos, backbone_folder, out, RECIPE))
    assert lines[0].startswith(f"training {out}: {RECIPE.steps} steps of batch {RECIPE.batch} on ")
    assert code == 1 and lines[-1].startswith("ModuleNotFoundError: import of torch")
    code, lines = run_without_torch("osediff.train", *training_command(photos, tmp_path / "none", out, RECIPE))
    assert code == 2 and len(lines) == 1
    assert lines[0].startswith(f"error: {tmp_path / 'none'}: no such folder")
