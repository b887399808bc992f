"""Learning curves: what is read from the logs, what a line and its band are, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.figures import curves
from benchmark.tables.specs import CurvesSpec
from osediff.common.errors import InputError
from tests.benchmark.rows import command, spec_of, write_spec


def log(path: Path, entries: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return str(path)


def write_logs(folder: Path) -> dict[str, Any]:
    """Write the logs of two variants, one of them with two seeds; return the spec of their curves."""
    steps = [10, 20, 30]
    first = [{"step": step, "mse": 1.0, "lr": 0.1, "validation_psnr": 20 + step / 10} for step in steps]
    second = [{"step": step, "mse": 3.0, "validation_psnr": 22 + step / 10} for step in steps[:2]]  # stopped early
    rows = {"OSEDiff": [log(folder / "a", first), log(folder / "b", second)], "w/o": [log(folder / "c", first)]}
    return {"preset": "demo", "title": "Table 3", "default": "OSEDiff", "rows": rows}


def test_a_line_is_over_the_steps_that_every_seed_reached(tmp_path: Path) -> None:
    spec = write_logs(tmp_path)
    logs = [curves.read_log(Path(path)) for path in spec["rows"]["OSEDiff"]]
    series = curves.series(logs, "validation_psnr")
    assert series is not None
    np.testing.assert_array_equal(series[0], [10, 20])
    np.testing.assert_array_equal(series[1], [[21, 22], [23, 24]])
    assert curves.series(logs, "vsd") is None


def test_training_losses_are_running_means_and_validation_is_not(tmp_path: Path) -> None:
    values = [0.0, 10, 0, 10, 0, 10, 0]
    entries = [{"step": step, "mse": value, "validation_psnr": value} for step, value in enumerate(values, start=1)]
    logs = [curves.read_log(Path(log(tmp_path / "log", entries)))]
    smooth, raw = curves.series(logs, "mse"), curves.series(logs, "validation_psnr")
    assert smooth is not None and raw is not None
    np.testing.assert_allclose(smooth[1][0], [0, 5, 10 / 3, 5, 4, 6, 4])
    np.testing.assert_array_equal(raw[1][0], values)


def test_the_figure_shows_each_quantity_that_is_logged(tmp_path: Path) -> None:
    spec = write_logs(tmp_path)
    plots = [plot for plot in curves.draw(spec_of(spec, CurvesSpec)).axes if plot.get_visible()]
    assert [plot.get_title(loc="left") for plot in plots] == [curves.PANELS["validation_psnr"], curves.PANELS["mse"]]
    assert [len(plot.lines) for plot in plots] == [2, 2]
    (line, _) = plots[0].lines
    np.testing.assert_array_equal(np.asarray(line.get_ydata()), [22, 23])  # the mean of both seeds
    assert len(plots[0].collections) == 1  # one band: the other variant has one seed


def test_the_same_logs_give_the_same_bytes(tmp_path: Path) -> None:
    spec = write_logs(tmp_path)
    file = write_spec(tmp_path / "spec.yaml", spec, CurvesSpec)
    for name in ("one", "two"):
        command(curves.main, "--spec", file, "--out", tmp_path / name)
    for suffix in ("png", "svg"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


@pytest.mark.parametrize("text", ["no json", '{"mse": 1.0}\n', "[1]\n"])
def test_another_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=r"log.jsonl: not a training log"):
        curves.read_log(path)


def test_logs_without_anything_to_draw(tmp_path: Path) -> None:
    spec = write_logs(tmp_path)
    spec["rows"] = {"OSEDiff": [log(tmp_path / "empty", [])]}
    with pytest.raises(InputError, match="hold nothing to draw"):
        curves.draw(spec_of(spec, CurvesSpec))
