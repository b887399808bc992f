"""Ablations: which runs are shared, what a table says of them, and what is refused before anything runs."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import wilcoxon

from benchmark.evaluation.evaluate import COLUMNS
from benchmark.tables import ablation as ablation_table
from tests.helpers import ROOT

TRUTH = {"default": [20.0, 22, 24, 26, 28, 30, 32, 34], "better": 0.5, "same": 0.0}


def evaluation(folder: Path, method: str, values: dict[str, list[float]], note: str = "") -> Path:
    path = folder / f"{method}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for metric, found in values.items():
            for image, value in enumerate(found):
                writer.writerow([method, "set", f"image{image}", metric, f"{value:.6f}", "osediff/2", ""])
            if not found:
                writer.writerow([method, "set", "", metric, "", "osediff/2", note])
    return path


@pytest.fixture
def made(tmp_path: Path) -> tuple[dict[str, Any], list[Path]]:
    """An ablation of four rows and three seeds: ``up`` is 0.5 dB better on every image, ``same`` differs by noise, one
    run of ``shaky`` did not converge, and none of ``lost`` did."""
    rng = np.random.default_rng(0)
    files, rows = [], {}
    titles = {"osediff": "OSEDiff", "up": "w/o VSD loss", "same": "Same", "shaky": "Shaky", "lost": "Lost"}
    for variant, title in titles.items():
        runs = [f"{variant}.base.{seed}" for seed in range(3)]
        rows[variant] = {"title": title, "runs": runs, "published": title, "paper": "", "prompts": []}
        for seed, run in enumerate(runs):
            of_seed = np.array(TRUTH["default"]) + seed
            shift = {"up": 0.5, "same": rng.normal(0, 0.3, 8)}.get(variant, 0.0)
            failed = variant == "lost" or (variant == "shaky" and seed == 1)
            values = {"psnr": [] if failed else list(of_seed + shift), "lpips": []}
            note = "did not converge: loss is not finite at step 7" if failed else "needs x.pth"
            files.append(evaluation(tmp_path, run, values, note))
    rows["lost"]["paper"] = "unstable"
    spec = {"name": "table3", "preset": "demo", "title": "Table 3", "test_set": "set", "test_set_title": "Set"}
    spec |= {
        "remarks": ["Twin: trains exactly as OSEDiff does at demo preset"],
        "extraction": False,
        "published_test_set": "realsr",
        "metrics": ["psnr", "lpips"],
        "default": "osediff",
        "rows": rows,
    }
    return spec, files


def rendered(spec: dict[str, Any], files: list[Path], out: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["--spec", json.dumps(spec), "--rows", *map(str, files), "--out", str(out)]
    arguments += ["--published", str(ROOT / "config/published/osediff-tables-2-7.csv")]
    command = [sys.executable, "-m", "benchmark.tables.ablation", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_table(made: tuple[dict[str, Any], list[Path]], tmp_path: Path) -> None:
    spec, files = made
    result = rendered(spec, files, tmp_path / "table3")
    assert result.returncode == 0, result.stderr
    with (tmp_path / "table3.csv").open(newline="") as file:
        rows = {(row["variant"], row["source"]): row for row in csv.DictReader(file)}
    default, up, same = (rows[title, "measured"] for title in ("OSEDiff", "w/o VSD loss", "Same"))
    # Means 27, 28 and 29 of the three seeds: 28.00, sd 1.
    assert (default["PSNR↑"], default["PSNR↑ sd"], default["PSNR↑ p"]) == ("28.00", "1.00", "")
    assert (up["PSNR↑"], up["PSNR↑ verdict"], up["runs"], up["images"]) == ("28.50", "better", "3", "8")
    assert same["PSNR↑ verdict"] == "" and float(same["PSNR↑ p"]) > 0.05
    assert (rows["Shaky", "measured"]["converged"], rows["Shaky", "measured"]["PSNR↑"]) == ("2", "28.00")
    lost = rows["Lost", "measured"]
    assert (lost["converged"], lost["PSNR↑"], lost["note"]) == (
        "0",
        "",
        "did not converge: loss is not finite at step 7",
    )
    # The paper's row stands beside ours, and is not one of ours.
    assert rows["w/o VSD loss", "published"]["PSNR↑"] == "25.42"
    assert rows["w/o VSD loss", "published"]["test_set"] == "realsr"
    assert rows["Lost", "published"]["note"] == "unstable"
    assert ("Same", "published") not in rows
    text = (tmp_path / "table3.md").read_text()
    assert "| w/o VSD loss | 3 | 28.50 ± 1.00 ▲ |" in text and "| *published* | *25.42* |" in text
    assert (
        "| Lost | 0 of 3 converged | did not converge |" in text
        and "- Twin: trains" in text
        and "LPIPS not measured: needs x.pth" in text
    )
    assert r"28.50 $\pm$ 1.00 $\blacktriangle$" in (tmp_path / "table3.tex").read_text()


def test_the_time_of_extraction_stands_beside_the_published_one(
    made: tuple[dict[str, Any], list[Path]], tmp_path: Path
) -> None:
    spec, files = made
    about = {"extractor": "dape", "device": "cpu", "precision": "fp32"}
    content = {"made_by": about, "prompts": {"a": "cat", "b": "tree"}, "seconds": 0.03456}
    (tmp_path / "prompts.json").write_text(json.dumps(content))
    spec |= {"name": "table4", "extraction": True}
    spec["rows"]["up"] |= {"prompts": [str(tmp_path / "prompts.json")], "published": "OSEDiff"}
    assert rendered(spec, files, tmp_path / "table4").returncode == 0
    with (tmp_path / "table4.csv").open(newline="") as file:
        rows = {(row["variant"], row["source"]): row["extraction-seconds"] for row in csv.DictReader(file)}
    assert rows["w/o VSD loss", "measured"] == "0.0346" and rows["w/o VSD loss", "published"] == "0.02"
    assert rows["OSEDiff", "measured"] == "0"  # no prompt, nothing to extract
    text = (tmp_path / "table4.md").read_text()
    assert "| extraction (s) |" in text
    assert "w/o VSD loss: extraction is the median of 2 images, dape on cpu in fp32, one image at a time" in text


def test_p_values_are_wilcoxons_and_never_certain() -> None:
    rng = np.random.default_rng(1)
    differences = rng.normal(0.2, 1, (3, 20))
    bootstrap, signed = ablation_table.p_values(differences)
    assert signed == wilcoxon(differences.mean(axis=0)).pvalue
    assert 0 < bootstrap <= 1
    assert ablation_table.p_values(np.full((2, 5), 0.1))[0] == pytest.approx(2 / 10_001)
    assert ablation_table.p_values(np.zeros((2, 5))) == (1.0, 1.0)


def test_seeds_that_disagree_decide_nothing() -> None:
    # On every image one seed gains what another loses: no number of images makes that a result.
    differences = np.array([[1.0], [-0.9], [0.2]]) * np.ones((3, 200)) + np.random.default_rng(2).normal(
        0, 0.01, (3, 200)
    )
    bootstrap, signed = ablation_table.p_values(differences)
    assert signed < 1e-6 and bootstrap > 0.3


def test_a_missing_run_is_named(made: tuple[dict[str, Any], list[Path]], tmp_path: Path) -> None:
    spec, files = made
    result = rendered(spec, files[1:], tmp_path / "table3")
    assert result.returncode == 2
    assert result.stderr == "error: no evaluation of osediff.base.0 on set among --rows; measure it\n"
    assert not list(tmp_path.glob("table3*"))
