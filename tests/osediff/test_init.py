"""The package as it is imported."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_is_light() -> None:
    code = "import osediff, sys; assert not {'torch', 'diffusers'} & set(sys.modules); from osediff import OSEDiff"
    subprocess.run([sys.executable, "-c", code], check=True)
