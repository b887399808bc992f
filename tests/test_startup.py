"""What a command imports before it looks at its arguments: nothing that keeps a user waiting for seconds."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers import ROOT

PACKAGES = ("osediff", "benchmark", "baselines", "workflow")
# torch takes two seconds. These commands do nothing without it, and take no folder that could be wrong.
WITH_TORCH = {
    "baselines.shared.random_weights",
    "benchmark.complexity.flops",
    "benchmark.complexity.roofline",
    "benchmark.complexity.timing",
    "osediff.convert_official",
    "osediff.data.degradation",
}
SLOW = {"diffusers", "transformers", "peft", "pyiqa", "torchvision", "accelerate", "timm", "snakemake"}
PROBE = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
print(*sys.modules)
"""


def commands() -> set[str]:
    """Return the modules that are run by ``python -m``."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    guarded = [path for path in files if '__name__ == "__main__"' in path.read_text(encoding="utf-8")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in guarded}


def imported_by(modules: set[str]) -> set[str]:
    """Return the names of all modules that a new process has after it has imported ``modules``."""
    line = [sys.executable, "-c", PROBE, *sorted(modules)]
    return set(subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split())


def test_commands_read_their_arguments_before_they_import_torch() -> None:
    assert commands() > WITH_TORCH and len(commands()) > 40
    assert imported_by(commands() - WITH_TORCH) & ({"torch"} | SLOW) == set()


def test_commands_that_need_torch_import_no_larger_library_at_once() -> None:
    imported = imported_by(WITH_TORCH)
    assert "torch" in imported and not imported & SLOW
