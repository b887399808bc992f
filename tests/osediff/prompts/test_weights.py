"""Weights of prompt extractors: those that lie here are checked and noted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from osediff.common.errors import InputError
from osediff.common.files import read_json, sha256
from osediff.common.validation import dump_yaml
from osediff.prompts import weights


def test_weights_that_lie_here_are_checked_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = {"name": "nowhere", "url": "https://example.invalid/{revision}/{file}", "revision": "1"}
    spec: dict[str, Any] = {
        "title": "T",
        "license": "CC0-1.0",
        "mirrors": [mirror],
        "files": {"a.txt": {"sha256": "0" * 64}, "b.txt": None},
    }
    for name in spec["files"]:
        (tmp_path / "w").mkdir(exist_ok=True)
        (tmp_path / "w" / name).write_text(name)
    file = tmp_path / "spec.yaml"
    file.write_text(dump_yaml(spec), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["weights", "--spec", str(file), "--out", str(tmp_path / "w"), "--offline"])
    with pytest.raises(InputError, match=r"a\.txt: has sha256 .* it is another file than it should be"):
        weights.main()
    spec["files"] = {"a.txt": {"sha256": sha256(tmp_path / "w" / "a.txt")}, "b.txt": None}
    file.write_text(dump_yaml(spec), encoding="utf-8")
    weights.main()
    manifest = read_json(tmp_path / "w" / "manifest.json")
    assert manifest["provided_locally"] and manifest["mirror"] is None and set(manifest["files"]) == {"a.txt", "b.txt"}
    (tmp_path / "w" / "b.txt").unlink()
    with pytest.raises(InputError, match="the run is offline"):
        weights.main()
