"""What the commands of tables read: options, the spec, rows and published values, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmark.tables.inputs import Inputs, add_inputs, make_parser, read_inputs
from benchmark.tables.specs import ComparisonSpec
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS, write_rows, write_spec
from tests.helpers import ROOT

SPEC: dict[str, Any] = {
    "preset": "demo",
    "metrics": ["psnr", "lpips"],
    "methods": {"a": {"title": "A", "steps": 1}},
    "test_sets": {"one": {"title": "One"}},
}
PUBLISHED = ROOT / "config" / "published" / "osediff.csv"


def read(*options: object) -> Inputs[ComparisonSpec]:
    """Read what these options of a command name."""
    parser = make_parser("benchmark.tables.example", "What it does.\n\nMore.")
    add_inputs(parser, ComparisonSpec)
    registry = ROOT / "config" / "metrics.yaml"
    return read_inputs(parser.parse_args(list(map(str, [*options, "--registry", registry]))), ComparisonSpec)


def test_spec_metrics_rows_and_published_values(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "spec.yaml", SPEC, ComparisonSpec)
    files = [write_rows(tmp_path / f"{name}.csv", name, "one", {"psnr": [20, 22]}) for name in "ab"]
    inputs = read("--spec", spec, "--rows", *files, "--published", PUBLISHED)
    assert inputs.spec.methods["a"].title == "A" and inputs.metrics.keys() == METRICS.keys()
    assert list(inputs.frame["method"]) == ["a", "a", "b", "b"] and list(inputs.frame["value"]) == [20, 22, 20, 22]
    assert len(inputs.published) and set(inputs.published["metric"]) <= METRICS.keys()
    assert read("--spec", spec, "--rows", *files).published.empty


def test_a_metric_that_there_is_not_is_named_with_the_spec(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "spec.yaml", SPEC | {"metrics": ["psnrr"]}, ComparisonSpec)
    rows = write_rows(tmp_path / "a.csv", "a", "one", {"psnr": [20.0]})
    with pytest.raises(InputError, match=r"spec\.yaml: .*unknown metric 'psnrr', did you mean psnr"):
        read("--spec", spec, "--rows", rows)


def test_a_command_without_rows_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("--spec", tmp_path / "spec.yaml")
    error = capsys.readouterr().err
    assert "python -m benchmark.tables.example" in error and "--rows" in error


def test_help_is_the_first_line_of_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("--help")
    text = capsys.readouterr().out
    assert "What it does." in text and "More." not in text and "ComparisonSpec of benchmark.tables.specs" in text
