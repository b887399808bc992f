"""The reproduce preset: planned with nothing here, and with folders that are given; nothing is trained for it."""

from __future__ import annotations

from pathlib import Path

from tests.workflow.repository_copy import Workflow

PRESET = ("--configfile", "config/reproduce.yaml")


def test_everything_is_planned_with_nothing_here(fresh: Workflow) -> None:
    jobs = fresh.planned(*PRESET)
    expected = {
        "check_test_set": 2,
        "fetch_images": 2,
        "baseline_weights": 1,
        "restore_baseline": 2,
        "interpolate": 2,
        "evaluate": 6,
        "table": 3,
        "agreement": 1,
        "radar": 2,
    }
    assert {name: jobs.get(name) for name in expected} == expected
    assert {"compare_published", "statistics", "plot_visual_comparison"} <= set(jobs)
    assert not {"train", "restore", "ablation"} & set(jobs)


def test_one_test_set_alone_is_planned_with_given_folders(fresh: Workflow, tmp_path: Path) -> None:
    for name in ("pairs/LR", "pairs/HR", "images/drealsr"):
        (tmp_path / name).mkdir(parents=True)
    given = f"paths={{drealsr: {tmp_path}/pairs, osediff-official-images: '{tmp_path}/images/{{test_set}}'}}"
    code, output = fresh.dry_run(*PRESET, "-p", "--config", "offline=true", "test_sets=[drealsr]", given)
    assert code == 0, output
    assert f"--given {tmp_path}/images/drealsr" in output and f"--lr {tmp_path}/pairs/LR" in output
    assert "realsr/manifest.json" not in output.replace("drealsr/manifest.json", "")
    code, output = fresh.dry_run(*PRESET, "--config", given)
    assert code == 1 and f"osediff-official-images: no folder {tmp_path}/images/realsr" in output


def test_weights_that_are_not_the_official_file_are_said_in_the_rows_title(fresh: Workflow) -> None:
    code, output = fresh.dry_run(*PRESET, "-p", "--config", "baselines={weights: {real-esrgan: other}}")
    assert code == 0 and "--weights other" in output and "rule baseline_weights" not in output
    spec = (fresh.folder / "runs" / "reproduce" / "specs" / "table" / "table8.yaml").read_text()
    assert "Real-ESRGAN (other weights)" in spec and "weights: other" in spec
