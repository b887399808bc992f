"""What different papers print for the same one-step method; the field's ranges were read by hand in the papers."""

import re
from pathlib import Path

import pandas as pd
import pytest

from benchmark.data import published
from benchmark.tables.published_onestep import (
    Disagreement,
    disagreements,
    main,
    overview,
    read_disagreements,
    read_summary,
    summary,
)
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS, command
from tests.helpers import ROOT

FOLDER = ROOT / "config/published"
FILES = [FOLDER / "osediff.csv", FOLDER / "others.csv", *sorted((FOLDER / "onestep").glob("*.csv"))]
REASONS = FOLDER / "onestep/disagreements.yaml"
REGISTRY = ROOT / "config/metrics.yaml"
FIELD = {  # lowest and highest printed value, and a part of the reason
    ("TSD-SR", "psnr"): ("23.404", "24.81", "two models"),
    ("PiSA-SR", "maniqa"): ("0.6551", "0.6560", "versions of pyiqa"),
    ("PiSA-SR", "lpips"): ("0.2672", "0.2672", ""),
    ("AdcSR", "psnr"): ("25.469", "25.47", ""),
    ("AdcSR", "maniqa"): ("0.6353", "0.6360", "probably versions of pyiqa"),
    ("S3Diff", "psnr"): ("25.03", "25.183", "PixelIR alone"),
    ("SinSR", "lpips"): ("0.3062", "0.3241", "depends on the seed"),
    ("OSEDiff", "lpips"): ("0.2920", "0.3209", "captions"),
    ("OSEDiff", "qalign"): ("3.6634", "3.6915", "captions"),
    ("HYPIR", "psnr"): ("22.785", "22.89", "captions"),
    ("DNF-SR", "qalign"): ("4.0718", "4.0718", ""),
}


def table(*lines: str) -> pd.DataFrame:
    """Published values: source, value, tolerance; all of method A's PSNR on RealSR."""
    rows = []
    for line in lines:
        source, printed, tolerance = line.split()
        rows.append((source, "A", "1", "realsr", "psnr", float(printed), "s", "p", float(tolerance), printed))
    return pd.DataFrame(rows, columns=[*published.COLUMNS, "printed"])


def test_values_that_differ_by_rounding_alone_agree() -> None:
    values = summary(table("t1 25.148 0.0005", "t2 25.15 0.005", "t3 25.15 0.005"), METRICS, [])
    (row,) = values.to_dict("records")
    assert (row["sources"], row["median"], row["low"], row["high"]) == (3, "25.15", "25.148", "25.15")
    assert row["reason"] == ""


def test_a_disagreement_has_the_first_reason_that_fits() -> None:
    values = table("t1 25.10 0.005", "t2 25.15 0.005", "t3 25.50 0.005")
    other_metric = Disagreement(method="A", metrics=("ssim",), reason="of SSIM")
    middle = Disagreement(method="A", tables=("t2",), reason="t2 is apart")
    extreme = Disagreement(method="A", tables=("t3",), reason="t3 is apart")
    (row,) = summary(values, METRICS, [other_metric, middle, extreme]).to_dict("records")
    assert row["reason"] == "t3 is apart"
    assert row["values"] == "25.10 (t1); 25.15 (t2); 25.50 (t3)"
    (row,) = summary(values, METRICS, [other_metric, middle]).to_dict("records")
    assert row["reason"] == "not known"


def test_the_tables_show_ranges_only_where_sources_disagree() -> None:
    values = summary(table("t1 25.10 0.005", "t2 25.50 0.005"), METRICS, [])
    cell = overview(values, METRICS).rows[0].cell("psnr")
    assert (cell.text, cell.interval) == ("25.30", ("25.10", "25.50"))
    (row,) = disagreements(values, METRICS).rows
    assert row.cell("values").text == "25.10 (t1); 25.50 (t2)"
    alone = summary(table("t1 25.10 0.005"), METRICS, [])
    assert overview(alone, METRICS).rows[0].cell("psnr").interval is None
    assert disagreements(alone, METRICS).rows == []


def test_the_field_on_realsr(tmp_path: Path) -> None:
    command(main, "--published", *FILES, "--disagreements", REASONS, "--registry", REGISTRY, "--out", tmp_path)
    values = read_summary(tmp_path / "published_onestep.csv")
    rows = values[values["test_set"] == "realsr"].set_index(["method", "metric"])[["low", "high", "reason"]]
    found = {key: tuple(rows.loc[key]) for key in FIELD}
    assert {key: row[:2] for key, row in found.items()} == {key: expected[:2] for key, expected in FIELD.items()}
    for key, (_, _, reason) in FIELD.items():
        assert reason in found[key][2] and bool(reason) == bool(found[key][2])
    page = (tmp_path / "published_onestep.md").read_text()
    assert "*TSD-SR*" in page and "23.404 (dnf-sr-table1)" in page


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{method: A, metric: [psnr], reason: r}", "unknown key 'metric'"),
        ("{method: B, reason: r}", "entry 1: unknown method 'B', known: A"),
        ("{method: A, metrics: [psnrr], reason: r}", "entry 1: unknown metric 'psnrr', did you mean psnr?"),
        ("{method: A, test_sets: [real], reason: r}", "entry 1: unknown test set 'real', did you mean realsr?"),
        ("{method: A, tables: [t1, t3], reason: r}", "entry 1: unknown table 't3', known: t1"),
    ],
)
def test_a_misspelled_reason_is_one_line(entry: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "reasons.yaml"
    file.write_text(f"- {entry}\n")
    with pytest.raises(InputError, match=re.escape("reasons.yaml: ") + f".*{re.escape(message)}"):
        read_disagreements(file, table("t1 20.1 0.05"))
