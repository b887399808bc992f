"""Where jobs run: the configured image must exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from workflow.planning.deployment import check_container


def test_an_image_counts_only_where_jobs_run_in_it(tmp_path: Path) -> None:
    check_container(None, wanted=False)
    check_container("absent.sif", wanted=False)
    check_container("docker://registry.example/osediff@sha256:0", wanted=True)
    (tmp_path / "image.sif").touch()
    check_container(str(tmp_path / "image.sif"), wanted=True)
    with pytest.raises(InputError, match=r"no file absent\.sif"):
        check_container("absent.sif", wanted=True)
    with pytest.raises(InputError, match="no image is configured"):
        check_container(None, wanted=True)
