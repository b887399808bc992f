"""The command for the agreement of metrics: its files, and runs with little to compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark.figures import agreement
from benchmark.statistics import pairwise
from benchmark.tables.agreement import read_correlations
from benchmark.tables.specs import ComparisonSpec
from benchmark.tables.table import Cell
from osediff.common.errors import InputError
from tests.benchmark.rows import command, write_rows, write_spec
from tests.helpers import ROOT


def make(folder: Path, methods: str, metrics: list[str]) -> list[object]:
    """Write rows of methods, of which PSNR prefers the first, LPIPS the last and NIQE none; run the tests of pairs."""
    rng = np.random.default_rng(0)
    spec: dict[str, Any] = {
        "preset": "demo",
        "metrics": metrics,
        "methods": {name: {"title": name.upper(), "steps": 1} for name in methods},
        "test_sets": {"t": {"title": "Set"}},
    }
    rows = []
    for place, name in enumerate(methods):
        values = {
            "psnr": list(rng.normal(27 - place, 0.1, 20)),
            "lpips": list(rng.normal(0.5 - place / 20, 0.01, 20)),
            "niqe": list(rng.normal(6, 1, 20)),
        }
        rows.append(write_rows(folder / f"{name}.csv", name, "t", {key: values[key] for key in metrics}))
    registry = ROOT / "config/metrics.yaml"
    options = [
        "--spec",
        write_spec(folder / "spec.yaml", spec, ComparisonSpec),
        "--registry",
        registry,
        "--rows",
        *rows,
    ]
    command(pairwise.main, *options, "--out", folder / "results")
    return [*options, "--pairs", folder / "results/pairwise.csv", "--out", folder / "results"]


def test_its_files_say_what_flips(tmp_path: Path) -> None:
    options = make(tmp_path, "abc", ["psnr", "lpips", "niqe"])
    command(agreement.main, *options)
    text = (tmp_path / "results/agreement.md").read_text()
    assert "| PSNR | LPIPS |" in text and "| -1.00 [-1.00, -1.00] |" in text
    table = read_correlations(tmp_path / "results/agreement.csv")
    assert table.rows[0].cell("kendall") == Cell("-1.00", interval=("-1.00", "-1.00"))
    assert [row.cell("other").text for row in table.rows] == ["LPIPS", "NIQE", "NIQE"]
    assert "| Set | A | B | PSNR | LPIPS | NIQE | yes |" in text
    assert "3 of 3 conclusions are reversed by another metric" in text
    names = ["agreement.png", "agreement.svg", "critical_difference.png", "critical_difference.svg"]
    before = {name: (tmp_path / "results" / name).read_bytes() for name in names}
    for name in names[::2]:
        with Image.open(tmp_path / "results" / name) as image:
            assert min(image.size) > 300
    command(agreement.main, *options)
    assert before == {name: (tmp_path / "results" / name).read_bytes() for name in names}


@pytest.mark.parametrize(("methods", "metrics"), [("a", ["psnr", "lpips"]), ("ab", ["psnr"])])
def test_a_run_with_one_method_or_metric_ends_well(tmp_path: Path, methods: str, metrics: list[str]) -> None:
    command(agreement.main, *make(tmp_path, methods, metrics))
    assert (tmp_path / "results/critical_difference.png").stat().st_size > 0
    assert "# Agreement of metrics" in (tmp_path / "results/agreement.md").read_text()


def test_another_file_in_place_of_the_pairs_is_refused(tmp_path: Path) -> None:
    options = make(tmp_path, "ab", ["psnr"])
    (tmp_path / "results/pairwise.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"pairwise\.csv line 1: the columns must be"):
        command(agreement.main, *options)


def test_pairs_of_another_run_are_refused(tmp_path: Path) -> None:
    options = make(tmp_path, "ab", ["psnr"])
    pairs = tmp_path / "results/pairwise.csv"
    pairs.write_text(pairs.read_text().replace("demo,t,", "demo,other,"))
    with pytest.raises(InputError, match=r"pairwise\.csv: has the test set other, which the spec has not"):
        command(agreement.main, *options)
