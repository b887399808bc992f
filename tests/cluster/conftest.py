"""A Slurm on this machine, and a finished run of the very small demo to compare with."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.flow import configure
from tests.cluster.slurm import Slurm, start_slurm, why_not
from tests.workflow.repository_copy import Workflow, copy_repository


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests that are marked ``cluster`` unless ``-m cluster`` asks for them and everything is installed."""
    if "cluster" not in config.option.markexpr:
        reason = "starts daemons; run it by: bash .ci/run cluster"
    elif why_not():
        reason = why_not()
    elif importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        reason = "not installed: profiles/slurm/requirements.txt"
    else:
        return
    for item in items:
        if item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A running Slurm with one node and two GPUs."""
    with start_slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture
def slurm_elsewhere(unfinished: Workflow, tmp_path: Path) -> Iterator[Slurm]:
    """A running Slurm whose node does not see the folder of the unfinished demo."""
    with start_slurm(tmp_path / "slurm", unseen=unfinished.folder) as running:
        yield running


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The very small demo with a baseline, in a folder where nothing has run."""
    folder = tmp_path_factory.mktemp("cluster") / "repository"
    copy_repository(folder)
    configure(folder)
    return Workflow(folder, Path(sys.executable))


@pytest.fixture(scope="module")
def local(unfinished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The same demo, finished by a run without a cluster."""
    folder = tmp_path_factory.mktemp("local") / "repository"
    shutil.copytree(unfinished.folder, folder)
    workflow = Workflow(folder, unfinished.python)
    code, output = workflow.run_by_itself()
    assert code == 0, output
    return workflow
