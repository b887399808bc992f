"""Pairwise tests against scipy and constructed cases, and the files that they become."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import wilcoxon

from benchmark.evaluation import results
from benchmark.statistics import pairwise
from benchmark.statistics.bootstrap import holm, resampled_means
from benchmark.tables.specs import ComparisonSpec
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS, command, inputs_of, read_rows, write_spec
from tests.helpers import ROOT

SPEC: dict[str, Any] = {
    "preset": "demo",
    "metrics": ["psnr", "lpips", "fid"],
    "methods": {name: {"title": name.upper(), "steps": 1} for name in ("a", "b", "c")},
    "test_sets": {"t": {"title": "Set"}},
}


def test_pairs_are_told_apart_only_where_they_differ(rows: list[Path]) -> None:
    values = pairwise.per_image(results.load(rows, METRICS), ["a", "b", "c"], "t", "psnr")
    pairs = pairwise.compare(values, resampled_means(values))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (0, 2), (1, 2)]
    assert [pair.better(True) for pair in pairs] == [1, None, 1]
    assert [pair.better(False) for pair in pairs] == [0, None, 2]
    raw = [float(wilcoxon(values[i] - values[j]).pvalue) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [pair.p_wilcoxon for pair in pairs] == pytest.approx(holm(raw))
    assert pairs[0].difference == pytest.approx(-0.3, abs=0.1) and pairs[0].low < pairs[0].difference < pairs[0].high


def test_equal_methods_and_few_images_are_never_better() -> None:
    values = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])
    equal, *shifted = pairwise.compare(values, resampled_means(values))
    assert (equal.p_bootstrap, equal.p_wilcoxon, equal.better(True)) == (1, 1, None)
    assert [pair.better(True) for pair in shifted] == [None, None], "three images cannot show it, however clear"


def test_the_three_files(rows: list[Path], tmp_path: Path) -> None:
    spec, registry = write_spec(tmp_path / "spec.yaml", SPEC, ComparisonSpec), ROOT / "config/metrics.yaml"
    command(pairwise.main, "--spec", spec, "--registry", registry, "--rows", *rows, "--out", tmp_path / "o")
    means = read_rows(tmp_path / "o/statistics.csv")
    assert tuple(means[0]) == pairwise.MEANS
    assert [(row["method"], row["metric"]) for row in means[2:4]] == [("C", "psnr"), ("A", "lpips")]
    with rows[0].open(newline="") as file:
        psnr = [float(row["value"]) for row in csv.DictReader(file) if row["metric"] == "psnr"]
    assert means[0]["mean"] == f"{np.mean(psnr):.6f}"
    assert all(float(row["low"]) < float(row["mean"]) < float(row["high"]) for row in means if row["metric"] != "fid")
    assert {(row["mean"], row["low"]) for row in means if row["metric"] == "fid"} == {("12.500000", "")}
    pairs = read_rows(tmp_path / "o/pairwise.csv")
    assert tuple(pairs[0]) == pairwise.PAIRS
    assert [row["better"] for row in pairs] == ["B", "", "B", "A", "", "C"], "of LPIPS the lower is better"
    text = (tmp_path / "o/ranking.md").read_text()
    assert text.startswith("# Paired comparison of methods\n")
    assert "Demo results" in text and "## Set, PSNR↑, 40 images" in text
    assert "| B | ✓ +0.3" in text and "| A | – | ✗ -0.3" in text and "≈" in text


def test_methods_measured_on_other_images_are_refused(rows: list[Path]) -> None:
    lines = rows[1].read_text().splitlines()
    rows[1].write_text("\n".join(line for line in lines if "image003" not in line) + "\n")
    with pytest.raises(InputError, match="b on t has other images"):
        pairwise.compute_report(inputs_of(SPEC, ComparisonSpec, results.load(rows, METRICS)))
