"""Files of measured rows and specs, as tests of tables, statistics and figures write them; running a command."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd

from benchmark.data import published
from benchmark.evaluation.results import COLUMNS, read_metrics
from benchmark.tables.inputs import Inputs, Spec
from osediff.common import settings
from osediff.common.settings import Model
from tests.helpers import ROOT

METRICS = read_metrics(ROOT / "config/metrics.yaml")
Values = Mapping[str, Sequence[float] | str]


def write_rows(path: Path, method: str, test_set: str, values: Values, protocol: str = "osediff/2") -> Path:
    """Write an evaluation file; a metric's text is the note why it is absent."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for metric, numbers in values.items():
            if isinstance(numbers, str):
                writer.writerow([method, test_set, "", metric, "", protocol, numbers])
                continue
            for index, value in enumerate(numbers):
                image = f"image{index:03}" if METRICS[metric].level == "image" else ""
                writer.writerow([method, test_set, image, metric, f"{value:.6f}", protocol, ""])
    return path


def spec_of(content: Mapping[str, Any], model: type[Model]) -> Model:
    """Make a spec of plain content."""
    return settings.parse(dict(content), model, "spec")


def inputs_of(
    content: Mapping[str, Any], model: type[Spec], frame: pd.DataFrame, values: pd.DataFrame | None = None
) -> Inputs[Spec]:
    """Make what a table is made of: a spec of plain content, measured rows and published ``values`` (None: none)."""
    none = published.load([], METRICS)
    return Inputs(settings.parse(dict(content), model, "spec"), METRICS, frame, none if values is None else values)


def write_spec(path: Path, content: Mapping[str, Any], model: type[Model]) -> Path:
    """Write a spec file."""
    settings.write(path, spec_of(content, model))
    return path


def command(main: Callable[[], None], *arguments: object) -> None:
    """Run a command line in this process; its InputError reaches the test."""
    with patch("sys.argv", ["command", *map(str, arguments)]):
        main()


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
