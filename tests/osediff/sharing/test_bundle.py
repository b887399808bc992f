"""The pipeline in one file: nothing of this package is imported, and every name has one definition."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from osediff.sharing import bundle


def test_the_file_imports_nothing_of_this_package_and_lacks_no_name() -> None:
    text = bundle.bundle()
    tree = ast.parse(text)
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(str(module).startswith("osediff") for module in modules)
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", "-"]
    checked = subprocess.run(ruff, input=text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert classes[-1] == "OSEDiffPipeline" and "Tiling" in classes


def test_a_name_of_two_parts_is_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("LEVELS = 5\n")
    monkeypatch.setattr(bundle, "PACKAGE", tmp_path)
    monkeypatch.setattr(bundle, "PARTS", {"a.py": None, "b.py": None})
    with pytest.raises(ValueError, match=r"b\.py: LEVELS is defined in another part"):
        bundle.bundle()
