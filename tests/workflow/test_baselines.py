"""Baselines through the workflow: adding one as the README shows, and one that fails beside it."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.workflow.repository_copy import Workflow, copy_repository, read, write

pytestmark = pytest.mark.slow  # the workflow runs three times, each job a process of its own

FAKE = Path(__file__).parents[1] / "baselines" / "fake"
RECORD = "runs/demo/restore/fake/demo-synthetic/run.json"
TARGETS = [f"results/{name}" for name in ("table1.csv", "ranking.md", "radar_demo-synthetic.png")]
TARGETS += ["results/compare_published.csv", "results/picture_demo-synthetic.png"]


@pytest.fixture(scope="module")
def workflow(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The repository with the document's eleventh baseline and the fake, which crashes at an image; two LR images."""
    folder = tmp_path_factory.mktemp("baselines") / "repository"
    copy_repository(folder)
    shutil.copytree(FAKE, folder / "baselines" / "fake")
    page = (ROOT / "docs" / "add-a-baseline.md").read_text(encoding="utf-8")
    for name, pattern in (("descriptor.yaml", r"```yaml\n(title:.*?)```"), ("adapter.py", r"```python\n(.*?)```")):
        (block,) = re.findall(pattern, page, re.DOTALL)
        path = folder / "baselines" / "sharpened" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block, encoding="utf-8")
    (folder / "given" / "weights").mkdir(parents=True)
    (folder / "given" / "weights" / "fake.txt").write_text("weights")
    (folder / "given" / "does").write_text("crash coffee-0")

    test_sets = read(folder / "config" / "testsets.yaml")
    test_sets["demo-synthetic"]["cut"]["crops"] = test_sets["demo-synthetic"]["cut"]["crops"][:2]
    write(folder / "config" / "testsets.yaml", test_sets)
    main = read(folder / "config" / "config.yaml")
    main |= {"test_sets": ["demo-synthetic"], "metrics": ["psnr", "ssim"], "methods": ["bicubic", "fake", "sharpened"]}
    main["pictures"] = {"demo-synthetic": "chelsea-0"}
    main["baselines"]["sources"] = "given"
    write(folder / "config" / "config.yaml", main)
    return Workflow(folder, python)


def table(workflow: Workflow) -> dict[str, dict[str, str]]:
    with (workflow.folder / "results" / "table1.csv").open(newline="", encoding="utf-8") as file:
        return {row["method"]: row for row in csv.DictReader(file)}


def test_an_eleventh_baseline_is_measured_and_one_that_fails_leaves_its_cells_empty(workflow: Workflow) -> None:
    code, output = workflow.run(*TARGETS)
    assert code == 0, output
    rows = table(workflow)
    assert all(10 < float(rows[name]["PSNR↑"]) < 60 for name in ("Bicubic", "Sharpened Lanczos"))
    assert (
        rows["Fake"]["PSNR↑"] == rows["Fake"]["SSIM↑"] == "" and rows["Fake"]["protocol"] == rows["Bicubic"]["protocol"]
    )
    reason = "Fake on Demo, synthetic not measured: failed: MemoryError: no room for 3 GB (at image coffee-0)"
    assert (workflow.folder / "results" / "table1.md").read_text(encoding="utf-8").count(reason) == 1
    ranking = (workflow.folder / "results" / "ranking.md").read_text(encoding="utf-8")
    assert "| Sharpened Lanczos | ✓" in ranking.replace("✗", "✓").replace("≈", "✓") and "| Fake |" not in ranking
    assert workflow.planned(*TARGETS) == {}

    (workflow.folder / "given" / "does").write_text("well")
    code, output = workflow.run("--forcerun", RECORD, "--", "results/table1.csv")
    assert code == 0, output
    assert 10 < float(table(workflow)["Fake"]["PSNR↑"]) < 60


def test_other_weights_run_again_under_another_title(workflow: Workflow) -> None:
    (workflow.folder / "given" / "weights" / "fake.txt").write_text("weights of mine")
    with workflow.edited("config/config.yaml", "weights: {}", "weights: {fake: other}"):
        assert workflow.planned("results/table1.csv")["restore_baseline"] == 1
        code, output = workflow.run("results/table1.csv")
        assert code == 0, output
    assert "Fake (other weights)" in table(workflow) and "Fake" not in table(workflow)
