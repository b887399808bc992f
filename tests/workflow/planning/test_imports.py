"""Source files of a command: found by following imports, within our packages alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.helpers import ROOT
from workflow.planning.imports import hash_once, sources, write_checksums


def test_imports_are_followed_at_any_depth_and_lazy_names_of_a_package_are_not(tmp_path: Path) -> None:
    files = {
        "osediff/__init__.py": "def lazy():\n    from osediff.heavy import Model",
        "osediff/a.py": "import torch\nfrom osediff import b",
        "osediff/b.py": "def late():\n    if True:\n        from osediff.c.d import name",
        "osediff/c/__init__.py": "",
        "osediff/c/d.py": "from benchmark.other import x",
        "osediff/heavy.py": "",
        "osediff/unused.py": "from osediff import a",
        "benchmark/other.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert sources(tmp_path, "osediff.a") == [
        "benchmark/other.py",
        "osediff/__init__.py",
        "osediff/a.py",
        "osediff/b.py",
        "osediff/c/__init__.py",
        "osediff/c/d.py",
    ]


def test_sources_follow_imports_and_stop_at_other_packages() -> None:
    plots, training = sources(ROOT, "benchmark.figures.radar"), sources(ROOT, "osediff.train")
    assert {"benchmark/figures/radar.py", "osediff/common/files.py"} <= set(plots)
    assert {path.split("/")[1] for path in plots if path.startswith("osediff/")} <= {"common", "__init__.py"}
    assert {"osediff/train.py", "osediff/models/lora.py", "osediff/data/degradation.py"} <= set(training)
    assert not any(path.startswith("benchmark/") for path in training)


def test_packages_share_osediff_common_only() -> None:
    packages = ("osediff", "baselines", "benchmark")
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            others = {source for source in sources(ROOT, module) if not source.startswith(f"{package}/")}
            allowed = ("osediff/__init__.py", "osediff/common/")
            assert all(source.startswith(allowed) for source in others), module


def test_the_checksums_of_a_command_are_written_again_only_when_a_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written() -> tuple[Path, int]:
        """Write the list as the next plan would, which remembers nothing; return its path and its time."""
        hash_once.cache_clear()
        write_checksums.cache_clear()
        path = Path(write_checksums(tmp_path, "osediff.a"))
        return path, path.stat().st_mtime_ns

    monkeypatch.chdir(tmp_path)
    files = {"osediff/__init__.py": "", "osediff/a.py": "from osediff import b", "osediff/b.py": "x = 1"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    path, first = written()
    assert path.read_text().splitlines() == [
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}" for name, text in files.items()
    ]
    (tmp_path / "osediff" / "b.py").touch()
    assert written() == (path, first)
    (tmp_path / "osediff" / "b.py").write_text("x = 2")
    assert written() != (path, first)
    assert hashlib.sha256(b"x = 2").hexdigest() in path.read_text()
