"""Tables of averages: what is averaged, marked, left empty and refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.statistics import pairwise
from benchmark.tables import quality
from benchmark.tables.render import csv_text
from benchmark.tables.specs import ComparisonSpec, QualitySpec
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS, command, inputs_of, read_rows, write_rows, write_spec
from tests.helpers import ROOT

Spec = dict[str, Any]


def make(spec: Spec, files: list[Path], out: Path, *more: object) -> None:
    spec_file = write_spec(out.parent / "spec.yaml", spec, QualitySpec)
    registry = ROOT / "config/metrics.yaml"
    command(quality.main, "--spec", spec_file, "--registry", registry, "--rows", *files, "--out", out, *more)


def test_all_forms_say_the_same(spec: Spec, files: list[Path], tmp_path: Path) -> None:
    make(spec, files, tmp_path / "table1")
    assert (tmp_path / "table1.csv").read_text().splitlines() == [
        "preset,test_set,method,steps,images,protocol,PSNR↑,LPIPS↓,FID↓,NIQE↓",
        "demo,one,Bicubic,0,2,osediff/2,27.50,0.5500,140.00,",
        "demo,one,OSE_Diff,1,2,osediff/2,25.50,0.2500,120.46,",
        "demo,two,Bicubic,0,3,osediff/2,31.00,0.4000,50.00,",
        "demo,two,OSE_Diff,1,3,osediff/2,31.00,0.3000,60.00,",
    ]
    markdown = (tmp_path / "table1.md").read_text()
    assert "| Set one | Bicubic | 0 | 2 | **27.50** | <u>0.5500</u> | <u>140.00</u> |  |" in markdown
    # 31.0003 and 31 print alike, so both are best.
    assert "| Set two | Bicubic | 0 | 3 | **31.00** | <u>0.4000</u> | **50.00** |  |" in markdown
    assert "|  | OSE_Diff | 1 | 3 | **31.00** | **0.3000** | <u>60.00</u> |  |" in markdown
    assert "Demo results" in markdown.split("|")[0] and "osediff/2" in markdown
    assert markdown.count(r"NIQE not measured: needs x.mat in \$TORCH_HOME/hub, from https://x.org/a_b") == 1
    latex = (tmp_path / "table1.tex").read_text()
    assert r"Set one & Bicubic & 0 & 2 & \best{27.50} & \second{0.5500} & \second{140.00} &  \\" in latex
    assert r" & OSE\_Diff & 1 & 3 & \best{31.00} & \best{0.3000} & \second{60.00} &  \\" in latex
    page = (tmp_path / "table1.html").read_text()
    assert '<td class="number best">27.50</td><td class="number second">0.5500</td>' in page


def test_averages_are_those_of_an_independent_computation(spec: Spec) -> None:
    """Rows of a demo run that are committed beside this test, averaged by pandas alone."""
    folder = Path(__file__).parent / "fixtures"
    files = sorted(folder.glob("*.csv"))
    sets = {"demo-camera-soft": {"title": "Demo, soft camera"}}
    names = ["psnr", "ssim", "lpips", "niqe"]
    about = {"preset": "demo", "title": "Table 1", "caption": "C", "metrics": names, "test_sets": sets}
    table = quality.compose(inputs_of(about | {"methods": spec["methods"]}, QualitySpec, results.load(files, METRICS)))
    rows = list(csv.DictReader(csv_text(table).splitlines()))
    plain = pd.concat(map(pd.read_csv, files))
    for row, method in zip(rows, spec["methods"], strict=True):
        for name in names:
            mean = plain[(plain["method"] == method) & (plain["metric"] == name)]["value"].mean()
            assert row[METRICS[name].heading] == f"{mean:.{METRICS[name].decimals}f}"
    assert [row["PSNR↑"] for row in rows] == ["29.38", "27.95"] and [row["NIQE↓"] for row in rows] == [
        "8.4951",
        "6.9188",
    ]


def test_published_rows_stand_apart_and_only_if_asked_for(
    spec: Spec, files: list[Path], printed: Path, tmp_path: Path
) -> None:
    make(spec, files, tmp_path / "table1", "--published", printed)
    lines = (tmp_path / "table1.csv").read_text().splitlines()
    assert lines[0] == "preset,test_set,method,steps,images,protocol,PSNR↑,LPIPS↓,FID↓,NIQE↓,source"
    assert [line.split(",")[:3] for line in lines[1:4]] == [
        ["demo", "one", "Bicubic"],
        ["demo", "one", "OSE_Diff"],
        ["published", "one", "SeeSR"],
    ]
    assert lines[3] == 'published,one,SeeSR,50,,osediff/1,25.18,0.3009,,,"A paper, Table 1"'
    assert all(line.endswith(",measured") for line in (*lines[1:3], *lines[4:])) and len(lines) == 6
    markdown, latex = ((tmp_path / f"table1.{form}").read_text() for form in ("md", "tex"))
    assert "|  | *SeeSR* | *50* |  | *25.18* | *0.3009* |  |  |" in markdown
    assert "Rows in italics were not measured here, but published: A paper, Table 1." in markdown
    assert r" & \published{SeeSR} & \published{50} &  & \published{25.18} & \published{0.3009} &  &  \\" in latex
    assert "**27.50**" in markdown, "what others printed takes no mark away"

    elsewhere = spec | {"test_sets": {"two": {"title": "Set two"}}, "titles": {"three": "Set three"}}
    make(elsewhere, files, tmp_path / "other", "--published", printed)
    lines = (tmp_path / "other.csv").read_text().splitlines()
    assert [line.split(",")[1:3] for line in lines[3:]] == [
        ["one", "SeeSR"],
        ["one", "OSE_Diff"],
        ["three", "OSE_Diff"],
    ]
    assert "| Set three | *OSE_Diff* | *1* |  | *23.72* |" in (tmp_path / "other.md").read_text()


def test_intervals_are_those_of_the_statistics(spec: Spec, files: list[Path], tmp_path: Path) -> None:
    comparison = {key: spec[key] for key in ("preset", "metrics", "methods", "test_sets")}
    report = pairwise.compute_report(inputs_of(comparison, ComparisonSpec, results.load(files, METRICS)))
    (tmp_path / "statistics.csv").write_text(report.files("")["statistics.csv"])
    make(spec, files, tmp_path / "table1", "--statistics", tmp_path / "statistics.csv")
    rows = read_rows(tmp_path / "table1.csv")
    assert list(rows[0])[-8:-4] == ["PSNR↑ low", "PSNR↑ high", "LPIPS↓ low", "LPIPS↓ high"]
    assert (rows[0]["PSNR↑"], rows[0]["PSNR↑ low"], rows[0]["PSNR↑ high"]) == ("27.50", "27.00", "28.00")
    assert {(row["FID↓ low"], row["NIQE↓ high"]) for row in rows} == {("", "")}
    assert "**27.50** [27.00, 28.00]" in (tmp_path / "table1.md").read_text()
    table = quality.read_table(tmp_path / "table1.csv", METRICS)
    assert list(table["PSNR↑"]) == ["27.50", "25.50", "31.00", "31.00"]


def test_the_same_bytes_for_the_same_rows_in_another_order(spec: Spec, files: list[Path], tmp_path: Path) -> None:
    for out, given in (("first", files), ("second", files[::-1])):
        (tmp_path / out).mkdir()
        make(spec, given, tmp_path / out / "table1")
    for suffix in ("csv", "md", "tex", "html"):
        first, second = ((tmp_path / out / f"table1.{suffix}").read_bytes() for out in ("first", "second"))
        assert first == second


def test_metrics_of_one_row_may_have_protocols_of_their_own(spec: Spec, files: list[Path]) -> None:
    """A protocol that changes PSNR leaves LPIPS as it was, and so do the rows."""
    for file in files:
        file.write_text(
            "\n".join(r.replace("osediff/2", "crop4/1") if "psnr" in r else r for r in file.read_text().split("\n"))
        )
    frame = results.load(files, METRICS)
    rows = csv.DictReader(csv_text(quality.compose(inputs_of(spec, QualitySpec, frame))).splitlines())
    assert {row["protocol"] for row in rows} == {"crop4/1 + osediff/2"}


def test_a_method_that_failed_has_empty_cells_and_its_reason(spec: Spec, files: list[Path], tmp_path: Path) -> None:
    names = ("psnr", "lpips", "fid", "niqe")
    failed = write_rows(tmp_path / "failed.csv", "osediff", "two", dict.fromkeys(names, "out of memory"))
    make(spec, [*files[:3], failed], tmp_path / "table1")
    assert (tmp_path / "table1.csv").read_text().splitlines()[-1] == "demo,two,OSE_Diff,1,,osediff/2,,,,"
    assert "- OSE_Diff on Set two not measured: out of memory" in (tmp_path / "table1.md").read_text()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"metrics": ["psnr", "lpps"]}, "unknown metric 'lpps', did you mean lpips"),
        ({"preset": "huge"}, "at preset: must not be 'huge'"),
        ({"methods": {"a": {"title": "A", "steps": 1}, "b": {"title": "A", "steps": 1}}}, "the title A"),
        ({"captoin": "x"}, "unknown key 'captoin', did you mean caption"),
    ],
)
def test_a_bad_spec_is_one_line(spec: Spec, files: list[Path], tmp_path: Path, change: Spec, named: str) -> None:
    (tmp_path / "spec.yaml").write_text(json.dumps(spec | change))
    with pytest.raises(InputError, match=named) as caught:
        command(quality.main, "--spec", tmp_path / "spec.yaml", "--rows", *files, "--out", tmp_path / "table1")
    assert "spec.yaml" in str(caught.value) and "\n" not in str(caught.value) and not list(tmp_path.glob("table1*"))


def test_the_papers_columns_are_the_registrys() -> None:
    content = yaml.safe_load((ROOT / "config/tables.yaml").read_text())
    assert content["table1"]["metrics"] == [
        name for name, metric in METRICS.items() if metric.protocol is None and name != "kid"
    ]


def test_a_note_about_a_method_is_one_remark_with_its_title(spec: Spec, tmp_path: Path) -> None:
    spec |= {"metrics": ["psnr", "fid"], "test_sets": {"one": {"title": "Set one"}}}
    files = []
    for name in spec["methods"]:
        path = write_rows(tmp_path / f"{name}.csv", name, "one", {"psnr": [27, 28], "fid": [140.0]})
        if name == "bicubic":
            note = "osediff/2,method: its weights are another file"
            noted = path.read_text().replace("osediff/2,", note)
            path.write_text(noted.replace(f"140.000000,{note}", f"140.000000,{note}; of 2 images"))
        files.append(path)
    make(spec, files, tmp_path / "table1")
    lines = (tmp_path / "table1.md").read_text().splitlines()
    assert sum("Bicubic: its weights are another file" in line for line in lines) == 1
    assert sum("its weights are another file" in line for line in lines) == 1
    assert sum(line.endswith("FID of 2 images") for line in lines) == 1


def test_published_rows_stay_beside_a_method_with_other_weights(spec: Spec, tmp_path: Path) -> None:
    about = {
        "preset": "reproduce",
        "published": "table8",
        "metrics": ["psnr"],
        "test_sets": {"drealsr": {"title": "D"}},
    }
    official = {"title": "Real-ESRGAN", "steps": 1}
    rows = write_rows(tmp_path / "m.csv", "m", "drealsr", {"psnr": [27.0]})
    values = published.load([ROOT / "config/published/osediff.csv"], METRICS)

    def names(method: dict[str, Any]) -> list[str]:
        inputs = inputs_of(
            spec | about | {"methods": {"m": method}}, QualitySpec, results.load([rows], METRICS), values
        )
        return [str(row.values["method"]) for row in quality.published_rows(inputs)]

    assert "Real-ESRGAN" not in names(official)
    other = {"title": "Real-ESRGAN (other weights)", "steps": 1, "published": "Real-ESRGAN", "weights": "other"}
    assert "Real-ESRGAN" in names(other)


@pytest.mark.parametrize(
    ("column", "value", "line"),
    [
        ("SSIM↑", "1.5", r"line 2, column SSIM↑: 1\.5 is impossible for SSIM"),
        ("SSSIM↑", "0.5", r"line 1: no metric has the column 'SSSIM↑'"),
    ],
)
def test_a_table_with_an_impossible_value_or_an_unknown_column_is_refused(
    tmp_path: Path, column: str, value: str, line: str
) -> None:
    path = tmp_path / "table1.csv"
    path.write_text(f"preset,test_set,method,steps,images,protocol,{column}\ndemo,t,A,1,6,osediff/2,{value}\n")
    with pytest.raises(InputError, match=line):
        quality.read_table(path, METRICS)
