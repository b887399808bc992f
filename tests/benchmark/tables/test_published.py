"""Verdicts on published numbers: constructed ones, and the authors' own images, which must reproduce the authors."""

import csv
import io

import pytest

from benchmark.data import published
from benchmark.data.published import Published
from benchmark.evaluation import evaluate
from benchmark.metrics import build as metrics
from benchmark.tables import published as comparison
from tests.helpers import ROOT

FILES = sorted((ROOT / "config/published").glob("*.csv"))
SPEC = {
    "preset": "paper",
    "metrics": ["psnr", "lpips", "maniqa"],
    "methods": {"mine": {"title": "Mine", "steps": 1, "published": "OSEDiff"}},
    "test_sets": {"drealsr": {"title": "DrealSR", "images": 2}},
}


def row(metric: str, value: str, image: str = "a", note: str = "") -> dict[str, str]:
    fields = ("mine", "drealsr", image, metric, value, "osediff/2", note)
    return dict(zip(evaluate.COLUMNS, fields, strict=True))


def printed(metric: str, value: str, **other: str) -> Published:
    fields = {"method": "OSEDiff", "test_set": "drealsr", "protocol": "osediff/2"} | other
    return Published(table="t", steps=1, metric=metric, printed=value, source="s", tolerance=0.005, **fields)


@pytest.mark.parametrize(
    ("value", "verdict", "reason"),
    [
        (printed("psnr", "27.92"), "match", ""),
        (printed("psnr", "27.91"), "outside", ""),
        (printed("psnr", "27.92", test_set="realsr"), "not comparable", "other data: realsr was not measured"),
        (printed("psnr", "27.92", protocol="unstated"), "not comparable", "other protocol: unstated"),
        (printed("lpips", "0.29"), "not comparable", "not measured: needs x.pth"),
        (printed("maniqa", "0.59"), "not comparable", "not measured: not among the metrics"),
    ],
)
def test_verdicts(registry, value, verdict, reason):
    groups = {
        ("mine", "drealsr"): [row("psnr", "26.925"), row("psnr", "28.925", "b"), row("lpips", "", "", "needs x.pth")]
    }
    (line,) = comparison.compare(SPEC, registry, groups, [value])
    assert (line["verdict"], line["reason"]) == (verdict, reason)
    if verdict != "not comparable":
        assert line["measured"] == "27.925000"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"preset": "demo"}, "demo preset"),
        ({"test_sets": {"drealsr": {"title": "D", "images": 93}}}, "other data: 1 images, not 93"),
    ],
)
def test_other_scale_and_other_images(registry, change, reason):
    groups = {("mine", "drealsr"): [row("psnr", "27.92")]}
    lines = comparison.compare(SPEC | change, registry, groups, [printed("psnr", "27.92")])
    assert [(line["verdict"], line["reason"]) for line in lines] == [("not comparable", reason)]
    assert reason in comparison.as_markdown(SPEC | change, registry, lines)


def test_nothing_to_compare_is_said(registry):
    spec = SPEC | {"methods": {"mine": {"title": "Mine", "steps": 1}}}
    text = comparison.as_markdown(spec, registry, comparison.compare(spec, registry, {("mine", "drealsr"): []}, []))
    assert "Nothing to compare: no published number in config/published is of Mine" in text


def test_all_published_files_are_read_and_name_known_things(registry):
    values = [value for path in FILES for value in published.load(path)]
    tables = {value.table for value in values}
    assert {f"table{number}" for number in range(1, 9)} | {"log", "tsd-sr-table1", "tadsr-table1"} <= tables
    others = {"steps", "seconds", "gmacs", "mparams", "mparams-trainable", "extraction-seconds"}
    assert {value.metric for value in values} == set(registry["metrics"]) - {"kid"} | others


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (("table2", "OSEDiff", "gmacs"), "2265"),
        (("table3", "GAN loss", "lpips"), "0.2760"),
        (("table4", "prompt Null", "fid"), "126.59"),
        (("table5", "VAE encoder rank 8", "psnr"), "24.86"),
        (("table6", "UNet rank 2", "musiq"), "68.89"),
        (("table7", "encoder tuned, decoder tuned", "niqe"), "6.9845"),
    ],
)
def test_values_of_tables_2_to_7(key, text):
    values = published.load(ROOT / "config/published/osediff-tables-2-7.csv")
    assert [value.printed for value in values if (value.table, value.method, value.metric) == key] == [text]


def test_the_authors_images_match_the_authors_numbers(registry, measured):
    """Every metric that can be measured here, from images to verdicts, against the tables and the log."""
    names = {name for _, name, _ in measured.rows}
    fields = [
        ("authors", "drealsr", image, name, f"{value:.6f}", metrics.protocol(registry, name), measured.notes[name])
        for image, name, value in measured.rows
    ]
    groups = {("authors", "drealsr"): [dict(zip(evaluate.COLUMNS, line, strict=True)) for line in fields]}
    spec = SPEC | {
        "metrics": list(registry["metrics"]),
        "methods": {"authors": {"title": "Authors", "steps": 1, "published": "OSEDiff"}},
        "test_sets": {"drealsr": {"title": "DrealSR", "images": 93}},
    }
    values = [value for path in FILES for value in published.load(path)]
    lines = list(csv.DictReader(io.StringIO(comparison.as_csv(comparison.compare(spec, registry, groups, values)))))
    ours = [line for line in lines if line["table"] in ("table1", "table4", "table8", "log")]
    compared = [line for line in ours if line["test_set"] == "drealsr" and line["metric"] in names]
    assert {line["metric"] for line in compared} >= {"psnr", "ssim"}
    assert len(compared) >= 4 * 2
    assert {line["verdict"] for line in compared} == {"match"}, compared
    others = [line for line in lines if line["table"] == "tsd-sr-table1" and line["test_set"] == "drealsr"]
    assert {line["verdict"] for line in others} == {"not comparable"}
