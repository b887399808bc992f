"""Intervals and pairwise tests against closed forms, scipy and constructed cases."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import bootstrap, wilcoxon

from benchmark.evaluation.evaluate import COLUMNS
from benchmark.statistics import pairwise as statistics
from benchmark.tables.quality import read_rows
from osediff.common.errors import InputError
from tests.helpers import ROOT

SPEC = {
    "preset": "demo",
    "metrics": ["psnr", "lpips", "fid"],
    "methods": {name: {"title": name.upper(), "steps": 1} for name in ("a", "b", "c")},
    "test_sets": {"t": {"title": "Set"}},
}


def rows_file(path: Path, method: str, psnr: np.ndarray, lpips: np.ndarray) -> Path:
    """A file of benchmark.evaluation.evaluate; FID 12.5 of the whole set."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name, values in (("psnr", psnr), ("lpips", lpips)):
            for index, value in enumerate(values):
                writer.writerow([method, "t", f"i{index:03}", name, f"{value:.6f}", "osediff/2", ""])
        writer.writerow([method, "t", "", "fid", "12.500000", "osediff/2", "of 40 images"])
    return path


@pytest.fixture
def rows(tmp_path: Path) -> list[Path]:
    """40 images whose difficulty varies far more than the methods do: b is 0.3 dB above a, c is a with noise."""
    rng = np.random.default_rng(0)
    psnr, lpips = rng.normal(27, 4, 40), rng.normal(0.3, 0.05, 40)
    shifts = {"a": 0 * psnr, "b": 0.3 + rng.normal(0, 0.2, 40), "c": rng.normal(0, 0.2, 40)}
    return [
        rows_file(tmp_path / f"{name}.csv", name, psnr + shift, lpips + shift / 10) for name, shift in shifts.items()
    ]


def test_interval_is_the_normal_one_and_scipys():
    values = np.random.default_rng(1).normal(27, 2.5, (1, 400))
    low, high = statistics.interval(statistics.resampled_means(values)[:, 0])
    half = 1.96 * values.std(ddof=1) / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    theirs = bootstrap(values, np.mean, method="percentile", n_resamples=10_000, rng=0).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_resampling_is_paired_and_seeded():
    values = np.random.default_rng(2).normal(size=(2, 3000))
    values[1] = values[0] + 1
    means = statistics.resampled_means(values, 1500)
    assert means[:, 1] - means[:, 0] == pytest.approx(1), "both methods get the same images"
    assert (means == statistics.resampled_means(values, 1500)).all()
    assert len(np.unique(means[:, 0])) == 1500, "drawn in parts, and no part twice"


def test_holm():
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.6, 0.7]) == [1, 1]
    assert statistics.holm([]) == []


def test_pairs_are_told_apart_only_where_they_differ(rows):
    groups = read_rows(rows)
    values = statistics.per_image(groups, ["a", "b", "c"], "t", "psnr")
    pairs = statistics.compared(values, statistics.resampled_means(values))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (0, 2), (1, 2)]
    assert [pair.better(True) for pair in pairs] == [1, None, 1]
    assert [pair.better(False) for pair in pairs] == [0, None, 2]
    raw = [wilcoxon(values[i] - values[j]).pvalue for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [pair.p_wilcoxon for pair in pairs] == pytest.approx(statistics.holm(raw))
    assert pairs[0].difference == pytest.approx(-0.3, abs=0.1) and pairs[0].low < pairs[0].difference < pairs[0].high


def test_equal_methods_and_few_images_are_never_better():
    values = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])
    same, *shifted = statistics.compared(values, statistics.resampled_means(values))
    assert (same.p_bootstrap, same.p_wilcoxon, same.better(True)) == (1, 1, None)
    assert [pair.better(True) for pair in shifted] == [None, None], "three images cannot show it, however clear"


def test_files(rows, tmp_path):
    command = [
        sys.executable,
        "-m",
        "benchmark.statistics.pairwise",
        "--spec",
        json.dumps(SPEC),
        "--out",
        str(tmp_path / "o"),
    ]
    done = subprocess.run([*command, "--rows", *map(str, rows)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    means = list(csv.DictReader(io.StringIO((tmp_path / "o/statistics.csv").read_text())))
    assert [(row["method"], row["metric"]) for row in means[:4]] == [
        ("A", "psnr"),
        ("B", "psnr"),
        ("C", "psnr"),
        ("A", "lpips"),
    ]
    assert all(float(row["low"]) < float(row["mean"]) < float(row["high"]) for row in means if row["metric"] != "fid")
    assert {(row["mean"], row["low"], row["note"]) for row in means if row["metric"] == "fid"} == {
        ("12.500000", "", "of 40 images")
    }
    pairs = list(csv.DictReader(io.StringIO((tmp_path / "o/pairwise.csv").read_text())))
    assert [row["better"] for row in pairs] == ["B", "", "B", "A", "", "C"], "of LPIPS the lower is better"
    text = (tmp_path / "o/ranking.md").read_text()
    assert "Demo results" in text and "## Set, PSNR↑, 40 images" in text
    assert "| B | ✓ +0.3" in text and "| A | – | ✗ -0.3" in text and "≈" in text


def test_methods_measured_on_other_images_are_refused(rows, registry):
    lines = rows[1].read_text().splitlines()
    rows[1].write_text("\n".join(line for line in lines if "i003" not in line) + "\n")
    with pytest.raises(InputError, match="other images"):
        statistics.report(SPEC, registry, read_rows(rows))
