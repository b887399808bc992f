"""A copy of the repository, and one with a finished run of a very small demo, for what depends on Snakemake's state."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import build_once, shared_folder
from tests.warm.python import warm_python
from tests.workflow.repository_copy import Workflow, copy_repository


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ``python`` that has imported Snakemake, torch and the like once for all test processes."""
    with warm_python(shared_folder(tmp_path_factory) / "warm") as program:
        yield program


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Workflow:
    """The repository's code and configuration as they are, in a folder where nothing has run."""
    folder = tmp_path_factory.mktemp("fresh")
    copy_repository(folder)
    return Workflow(folder, python)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Workflow:
    """A finished run of everything in the very small demo; it ran once for all test processes, this is a copy."""

    from tests.workflow.small_demo import configure  # imports torch, which other tests of the workflow do without

    def run(folder: Path) -> None:
        copy_repository(folder)
        configure(folder)
        code, output = Workflow(folder, python).run()
        assert code == 0, output

    folder = tmp_path_factory.mktemp("finished") / "repository"
    shutil.copytree(build_once(tmp_path_factory, "finished_run", run), folder)
    return Workflow(folder, python)
