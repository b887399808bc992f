"""Test sets that are split among jobs: other jobs, the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from osediff.common.files import sha256
from tests.workflow.repository_copy import Workflow

SPLIT = ("--config", "shards={demo-synthetic: 2}", "--")


def measured(folder: Path) -> dict[str, str]:
    """Return the sha256 of all images, records, rows and tables."""
    patterns = (
        "results/*",
        "runs/demo/restore/*/*/SR/*.png",
        "runs/demo/restore/*/*/run.json",
        "runs/demo/evaluate/*/*.csv",
    )
    paths = [path for pattern in patterns for path in folder.glob(pattern) if path.is_file()]
    return {str(path.relative_to(folder)): sha256(path) for path in paths}


def test_a_split_test_set_gives_the_bytes_of_one_job(finished: Workflow, tmp_path: Path) -> None:
    split = Workflow(tmp_path / "repository", finished.python)
    shutil.copytree(finished.folder, split.folder)
    shutil.rmtree(split.folder / "results")
    for name in ("restore", "evaluate"):
        shutil.rmtree(split.folder / "runs" / "demo" / name)
    code, output = split.run(*SPLIT, "all")
    assert code == 0, output
    assert measured(split.folder) == measured(finished.folder)
    assert len(list(split.folder.glob("runs/demo/restore/osediff/demo-synthetic/shards/*-of-2/run.json"))) == 2
    assert split.planned(*SPLIT, "all") == {}


def test_the_jobs_of_a_split_test_set(finished: Workflow) -> None:
    jobs = finished.planned("--forceall", "--config", "shards={demo-synthetic: 2}", "--", "results/table1.csv")
    wanted = {"interpolate": 2, "restore": 2, "gather_shards": 2, "evaluate_shard": 4, "evaluate": 2, "table": 1}
    assert {name: jobs[name] for name in wanted} == wanted
    # Also Snakemake's own option says how many parts there are.
    assert finished.planned("--set-scatter", "demo-synthetic=1", *SPLIT, "all") == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("shards={demo-synthetic: 3}",), "shards: demo-synthetic: 3 shards of 2 images; take fewer"),
        (("shards={demo-syntetic: 2}",), "shards: unknown test set 'demo-syntetic', did you mean demo-synthetic?"),
        (("shards={demo-synthetic: 0}",), "shards"),
    ],
)
def test_shards_that_cannot_be_are_one_line(finished: Workflow, options: tuple[str, ...], message: str) -> None:
    code, output = finished.dry_run("--config", *options, "--", "all")
    assert code != 0
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert message in line and "Traceback" not in output
