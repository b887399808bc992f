"""Verdicts on published numbers: constructed ones, and the official images, which must give the official numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.data import published as data
from benchmark.evaluation.results import COLUMNS
from benchmark.metrics.registry import read_registry
from benchmark.tables import published
from benchmark.tables.render import csv_text, markdown
from benchmark.tables.specs import ComparisonSpec
from tests.benchmark.rows import METRICS, inputs_of, spec_of
from tests.helpers import ROOT

FILES = sorted((ROOT / "config/published").glob("*.csv"))
SPEC: dict[str, Any] = {
    "preset": "paper",
    "metrics": ["psnr", "lpips", "maniqa"],
    "methods": {"mine": {"title": "Mine", "steps": 1, "published": "OSEDiff"}},
    "test_sets": {"drealsr": {"title": "DrealSR", "images": 2}},
}
NAN = float("nan")


def frame(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    """Measured rows of the method ``mine``: image, metric, value, note."""
    listed = [("mine", "drealsr", image, metric, value, "osediff/2", note) for image, metric, value, note in rows]
    return pd.DataFrame(listed, columns=list(COLUMNS))


def printed(metric: str, value: str, **other: str) -> pd.DataFrame:
    """One published value of OSEDiff."""
    row: dict[str, Any] = {"table": "t", "method": "OSEDiff", "steps": "1", "test_set": "drealsr", "metric": metric}
    row |= {"source": "s", "protocol": "osediff/2", "tolerance": 0.005, "value": float(value), "printed": value}
    return pd.DataFrame([row | other])


def rendered(spec: dict[str, Any], measured: pd.DataFrame, values: pd.DataFrame) -> tuple[dict[str, str], str]:
    """The first row of the CSV by column, and the Markdown."""
    inputs = inputs_of(spec, ComparisonSpec, measured, values)
    whole, shown = published.tables(inputs.spec, published.compare(inputs))
    return next(csv.DictReader(csv_text(whole).splitlines())), markdown(shown)


def test_the_output_says_which_methods_were_trained_once() -> None:
    measured = frame(("a", "psnr", 27.92, ""), ("b", "psnr", 27.93, ""))
    _, without = rendered(SPEC, measured, printed("psnr", "27.92"))
    assert "single seed" not in without
    _, text = rendered(SPEC | {"trainings": ["Mine"]}, measured, printed("psnr", "27.92"))
    assert "Mine: trained once, with a single seed. How much another training would differ is unknown" in text


@pytest.mark.parametrize(
    ("value", "verdict", "reason"),
    [
        (printed("psnr", "27.92"), "match", ""),
        (printed("psnr", "27.93"), "match", ""),
        (printed("psnr", "27.50"), "within noise", ""),
        (printed("psnr", "29.50"), "outside", ""),
        (printed("psnr", "27.92", test_set="realsr"), "not comparable", "other data: realsr was not measured"),
        (printed("psnr", "27.92", protocol="unstated"), "not comparable", "other protocol: unstated"),
        (printed("lpips", "0.29"), "not comparable", "not measured: needs x.pth"),
        (printed("maniqa", "0.59"), "not comparable", "not measured: not among the metrics"),
    ],
)
def test_verdicts(value: pd.DataFrame, verdict: str, reason: str) -> None:
    # Two images: the interval of their average reaches from the one to the other.
    measured = frame(("a", "psnr", 26.925, ""), ("b", "psnr", 28.925, ""), ("", "lpips", NAN, "needs x.pth"))
    cells, _ = rendered(SPEC, measured, value)
    assert (cells["verdict"], cells["reason"]) == (verdict, reason)
    if verdict != "not comparable":
        assert cells["measured"] == "27.925000"


def test_other_weights_are_never_taken_for_the_published_ones_but_stand_beside_them() -> None:
    note = "method: its weights are another file"
    measured = frame(("a", "psnr", 27.92, note), ("b", "psnr", 27.92, note))
    cells, _ = rendered(SPEC, measured, printed("psnr", "27.92"))
    assert cells["verdict"] == "match"
    mine = SPEC["methods"]["mine"] | {"weights": "other"}
    spec = SPEC | {"methods": {"mine": mine}}
    cells, _ = rendered(spec, measured, printed("psnr", "27.92"))
    assert (cells["verdict"], cells["reason"], cells["measured"]) == ("not comparable", "other weights", "27.920000")
    assert published.method_remarks(spec_of(spec, ComparisonSpec), measured) == ["Mine: its weights are another file"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"preset": "demo"}, "demo preset"),
        ({"test_sets": {"drealsr": {"title": "D", "images": 93}}}, "other data: 1 images, not 93"),
    ],
)
def test_other_preset_and_other_images(change: dict[str, Any], reason: str) -> None:
    cells, text = rendered(SPEC | change, frame(("a", "psnr", 27.92, "")), printed("psnr", "27.92"))
    assert (cells["verdict"], cells["reason"]) == ("not comparable", reason)
    assert f"not comparable ({reason})" in text and "0 match, 0 within noise, 0 outside, 1 not comparable." in text


def test_nothing_to_compare_is_said() -> None:
    spec = SPEC | {"methods": {"mine": {"title": "Mine", "steps": 1}}}
    inputs = inputs_of(spec, ComparisonSpec, frame(("a", "psnr", 1.0, "")), printed("psnr", "27.92"))
    text = markdown(published.tables(inputs.spec, published.compare(inputs))[1])
    assert "Nothing to compare: no published number in config/published is of Mine" in text


def test_the_official_images_match_the_official_numbers(measured: Any) -> None:
    """Every metric that can be measured here, from images to verdicts, against the tables and the log."""
    registry = read_registry(Path(ROOT / "config/metrics.yaml"))
    names = {name for _, name, _ in measured.rows}
    rows = [
        ("authors", "drealsr", image, name, round(value, 6), registry.protocol_of(name), measured.notes[name])
        for image, name, value in measured.rows
    ]
    spec = SPEC | {
        "metrics": list(METRICS),
        "methods": {"authors": {"title": "Authors", "steps": 1, "published": "OSEDiff"}},
        "test_sets": {"drealsr": {"title": "DrealSR", "images": 93}},
    }
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    lines = [row.values for row in published.compare(inputs_of(spec, ComparisonSpec, frame, data.load(FILES, METRICS)))]
    ours = [line for line in lines if line["table"] in ("table1", "table4", "table8", "log")]
    verdicts = [line for line in ours if line["test_set"] == "drealsr" and line["metric"] in names]
    assert {line["metric"] for line in verdicts} >= {"psnr", "ssim"} and len(verdicts) >= 4 * 2
    assert {line["verdict"] for line in verdicts} == {"match"}, verdicts
    others = [line for line in lines if line["table"] == "tsd-sr-table1" and line["test_set"] == "drealsr"]
    assert {line["verdict"] for line in others} == {"not comparable"}
