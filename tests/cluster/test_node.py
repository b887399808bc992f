"""A node that does not have what its jobs need, on a real Slurm: one line, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.cluster.flow import PROFILE
from tests.cluster.slurm import Slurm
from tests.workflow.repository_copy import Workflow

pytestmark = pytest.mark.cluster


def test_a_node_that_does_not_see_the_folder_is_one_line(slurm_elsewhere: Slurm, unfinished: Workflow) -> None:
    unfinished.environment |= slurm_elsewhere.environment
    code, output = unfinished.run_by_itself("runs/complexity/osediff-demo.json", *PROFILE, "--retries", "0")
    assert code != 0
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "jobs that ended before they began: 1, such as 1 (it left no log)" in line, output
    assert f"its node lacks {unfinished.folder} or " in line
