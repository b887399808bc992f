"""Baselines through the workflow: adding one as the README shows, and one that fails beside it."""

from __future__ import annotations

import csv

import pytest

from tests.workflow.repository_copy import Workflow

pytestmark = pytest.mark.slow  # the workflow runs three times, each job a process of its own

RECORD = "runs/demo/restore/fake/demo-synthetic/run.json"
TARGETS = [f"results/{name}" for name in ("table1.csv", "ranking.md", "radar_demo-synthetic.png")]
TARGETS += ["results/compare_published.csv", "results/picture_demo-synthetic.png"]


def table(workflow: Workflow) -> dict[str, dict[str, str]]:
    with (workflow.folder / "results" / "table1.csv").open(newline="", encoding="utf-8") as file:
        return {row["method"]: row for row in csv.DictReader(file)}


def test_an_eleventh_baseline_is_measured_and_one_that_fails_leaves_its_cells_empty(with_baselines: Workflow) -> None:
    code, output = with_baselines.run(*TARGETS)
    assert code == 0, output
    rows = table(with_baselines)
    assert all(10 < float(rows[name]["PSNR↑"]) < 60 for name in ("Bicubic", "Sharpened Lanczos"))
    assert (
        rows["Fake"]["PSNR↑"] == rows["Fake"]["SSIM↑"] == "" and rows["Fake"]["protocol"] == rows["Bicubic"]["protocol"]
    )
    reason = "Fake on Demo, synthetic not measured: failed: MemoryError: no room for 3 GB (at image coffee-0)"
    assert (with_baselines.folder / "results" / "table1.md").read_text(encoding="utf-8").count(reason) == 1
    ranking = (with_baselines.folder / "results" / "ranking.md").read_text(encoding="utf-8")
    assert "| Sharpened Lanczos | ✓" in ranking.replace("✗", "✓").replace("≈", "✓") and "| Fake |" not in ranking
    assert with_baselines.planned(*TARGETS) == {}

    (with_baselines.folder / "given" / "does").write_text("well")
    code, output = with_baselines.run("--forcerun", RECORD, "--", "results/table1.csv")
    assert code == 0, output
    assert 10 < float(table(with_baselines)["Fake"]["PSNR↑"]) < 60


def test_a_baseline_without_its_weights_leaves_its_cells_empty(with_baselines: Workflow) -> None:
    (with_baselines.folder / "given" / "weights" / "fake.txt").unlink()
    code, output = with_baselines.run("results/table1.csv")
    assert code == 0, output
    rows = table(with_baselines)
    assert rows["Fake"]["PSNR↑"] == "" and 10 < float(rows["Bicubic"]["PSNR↑"]) < 60
    text = (with_baselines.folder / "results" / "table1.md").read_text(encoding="utf-8")
    assert "Fake on Demo, synthetic not measured: failed: its code or weights are not here: " in text
    assert "put it at given/weights/fake.txt" in text


def test_other_weights_run_again_under_another_title(with_baselines: Workflow) -> None:
    (with_baselines.folder / "given" / "weights" / "fake.txt").write_text("weights of mine")
    with with_baselines.edited("config/config.yaml", "weights: {}", "weights: {fake: other}"):
        assert with_baselines.planned("results/table1.csv")["restore_baseline"] == 1
        code, output = with_baselines.run("results/table1.csv")
        assert code == 0, output
    assert "Fake (other weights)" in table(with_baselines) and "Fake" not in table(with_baselines)
