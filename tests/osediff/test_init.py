"""The package as it is imported."""

from __future__ import annotations

import subprocess
import sys

import osediff
from osediff import pipeline


def test_importing_the_package_is_light() -> None:
    code = "import osediff, sys; print({'torch', 'diffusers', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_pipeline_is_found_where_users_import_it_from() -> None:
    assert osediff.OSEDiff is pipeline.OSEDiff
