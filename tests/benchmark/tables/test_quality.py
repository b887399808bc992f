"""Tables: what is averaged, marked, left empty and refused, in all three forms."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from benchmark.data import published
from benchmark.evaluation.evaluate import COLUMNS
from benchmark.statistics import pairwise as statistics
from benchmark.tables import quality as tables
from osediff.common.errors import InputError
from tests.helpers import ROOT

Values = dict[str, list[float] | str]
METHODS = {"bicubic": {"title": "Bicubic", "steps": 0}, "osediff": {"title": "OSE_Diff", "steps": 1}}


def rows(path: Path, method: str, test_set: str, values: Values) -> Path:
    """An evaluation file; a metric's text is the note why it is absent."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for metric, found in values.items():
            if isinstance(found, str):
                writer.writerow([method, test_set, "", metric, "", "osediff/1", found])
            elif metric == "fid":
                writer.writerow([method, test_set, "", metric, found[0], "osediff/1", ""])
            else:
                for image, value in zip("abcdef", found, strict=False):
                    writer.writerow([method, test_set, image, metric, f"{value:.6f}", "osediff/1", ""])
    return path


@pytest.fixture
def spec() -> dict:
    entry = yaml.safe_load((ROOT / "config/tables.yaml").read_text())["table1"]
    sets = {"one": {"title": "Set one"}, "two": {"title": "Set two"}}
    return entry | {
        "preset": "demo",
        "metrics": ["psnr", "lpips", "fid", "niqe"],
        "methods": METHODS,
        "test_sets": sets,
    }


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    absent = "needs x.mat in $TORCH_HOME/hub, from https://x.org/a_b"
    values: dict[tuple[str, str], Values] = {
        ("bicubic", "one"): {"psnr": [27, 28], "lpips": [0.5, 0.6], "fid": [140.0], "niqe": absent},
        ("osediff", "one"): {"psnr": [26, 25], "lpips": [0.2, 0.3], "fid": [120.456], "niqe": absent},
        ("bicubic", "two"): {"psnr": [30, 31, 32], "lpips": [0.4, 0.4, 0.4], "fid": [50.0], "niqe": absent},
        ("osediff", "two"): {"psnr": [31, 31, 31.001], "lpips": [0.3, 0.3, 0.3], "fid": [60.0], "niqe": absent},
    }
    return [rows(tmp_path / f"{m}-{t}.csv", m, t, found) for (m, t), found in values.items()]


def make(spec: dict, files: list[Path], out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = ["--spec", json.dumps(spec), "--rows", *map(str, files), "--out", str(out), *more]
    command = [sys.executable, "-m", "benchmark.tables.quality", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_three_forms_say_the_same(spec, files, tmp_path):
    done = make(spec, files, tmp_path / "table1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "table1.csv").read_text().splitlines() == [
        "preset,test_set,method,steps,images,protocol,PSNR↑,LPIPS↓,FID↓,NIQE↓",
        "demo,one,Bicubic,0,2,osediff/1,27.50,0.5500,140.00,",
        "demo,one,OSE_Diff,1,2,osediff/1,25.50,0.2500,120.46,",
        "demo,two,Bicubic,0,3,osediff/1,31.00,0.4000,50.00,",
        "demo,two,OSE_Diff,1,3,osediff/1,31.00,0.3000,60.00,",
    ]
    markdown = (tmp_path / "table1.md").read_text()
    assert "| Set one | Bicubic | 0 | 2 | **27.50** | <u>0.5500</u> | <u>140.00</u> |  |" in markdown
    # 31.0003 and 31 print alike, so both are best.
    assert "| Set two | Bicubic | 0 | 3 | **31.00** | <u>0.4000</u> | **50.00** |  |" in markdown
    assert "|  | OSE_Diff | 1 | 3 | **31.00** | **0.3000** | <u>60.00</u> |  |" in markdown
    assert "Demo results" in markdown.split("|")[0] and "osediff/1" in markdown
    assert markdown.count("NIQE not measured: needs x.mat in $TORCH_HOME/hub, from https://x.org/a_b") == 1
    latex = (tmp_path / "table1.tex").read_text()
    assert r"Set one & Bicubic & 0 & 2 & \best{27.50} & \second{0.5500} & \second{140.00} &  \\" in latex
    assert r" & OSE\_Diff & 1 & 3 & \best{31.00} & \best{0.3000} & \second{60.00} &  \\" in latex
    assert r"NIQE not measured: needs x.mat in \$TORCH\_HOME/\allowbreak hub, from https:" in latex
    assert r"\providecommand{\best}[1]{\textcolor{red}{#1}}" in latex and "Demo results" in latex
    assert latex.count("{") == latex.count("}")


PRINTED = [
    ("table1", "SeeSR", "50", "one", "psnr", "25.18"),
    ("table1", "SeeSR", "50", "one", "lpips", "0.3009"),
    ("table1", "OSE_Diff", "1", "one", "psnr", "99.00"),
    ("table1", "OSE_Diff", "1", "three", "psnr", "23.72"),
    ("table8", "LDL", "", "one", "psnr", "26.00"),
]


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    """Published numbers of two tables; one method is measured on set one, too."""
    with (tmp_path / "published.csv").open("w", newline="") as file:
        csv.writer(file).writerow(published.COLUMNS)
        csv.writer(file).writerows([*row, "A paper, Table 1", "osediff/1", "0.005"] for row in PRINTED)
    return tmp_path / "published.csv"


def test_published_rows_stand_apart_and_only_if_asked_for(spec, files, printed, tmp_path):
    done = make(spec, files, tmp_path / "table1", "--published", str(printed))
    assert done.returncode == 0, done.stderr
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
    page = (tmp_path / "table1.html").read_text()
    assert '<span class="published">25.18</span>' in page

    elsewhere = spec | {"test_sets": {"two": {"title": "Set two"}}, "titles": {"three": "Set three"}}
    assert make(elsewhere, files, tmp_path / "other", "--published", str(printed)).returncode == 0
    lines = (tmp_path / "other.csv").read_text().splitlines()
    assert [line.split(",")[1:3] for line in lines[3:]] == [
        ["one", "SeeSR"],
        ["one", "OSE_Diff"],
        ["three", "OSE_Diff"],
    ]
    assert "| Set three | *OSE_Diff* | *1* |  | *23.72* |" in (tmp_path / "other.md").read_text()


def test_intervals_are_those_of_the_statistics(spec, files, registry, tmp_path):
    found = statistics.report(spec, registry, tables.read_rows(files))["statistics.csv"]
    (tmp_path / "statistics.csv").write_text(found)
    done = make(spec, files, tmp_path / "table1", "--statistics", str(tmp_path / "statistics.csv"))
    assert done.returncode == 0, done.stderr
    with (tmp_path / "table1.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0])[-8:-4] == ["PSNR↑ low", "PSNR↑ high", "LPIPS↓ low", "LPIPS↓ high"]
    assert (lines[0]["PSNR↑"], lines[0]["PSNR↑ low"], lines[0]["PSNR↑ high"]) == ("27.50", "27.00", "28.00")
    assert {(line["FID↓ low"], line["NIQE↓ high"]) for line in lines} == {("", "")}
    assert "**27.50** [27.00, 28.00]" in (tmp_path / "table1.md").read_text()
    assert r"\best{27.50} {\tiny [27.00, 28.00]}" in (tmp_path / "table1.tex").read_text()
    assert '<span class="best">27.50</span> <small>[27.00, 28.00]</small>' in (tmp_path / "table1.html").read_text()


def test_same_bytes_for_same_input(spec, files, tmp_path):
    for out in ("first", "second"):
        assert make(spec, files if out == "first" else files[::-1], tmp_path / out / "table1").returncode == 0
    for suffix in ("csv", "md", "tex"):
        first, second = ((tmp_path / out / f"table1.{suffix}").read_bytes() for out in ("first", "second"))
        assert first == second


@pytest.mark.parametrize(
    ("values", "higher", "expected"),
    [
        (["1.0", "3.0", "2.0"], True, ["", "best", "second"]),
        (["1.0", "3.0", "2.0"], False, ["best", "", "second"]),
        (["10.0", "9.0", "9.0"], True, ["best", "second", "second"]),
        (["2.0", "2.0", "1.0"], True, ["best", "best", "second"]),
        (["2.0", "2.0"], True, ["best", "best"]),
        (["2.0", ""], True, ["", ""]),
        (["", "1.0", "2.0"], False, ["", "best", "second"]),
    ],
)
def test_marks(values, higher, expected):
    assert tables.marks(values, higher) == expected


def test_what_cannot_be_compared_is_refused(spec, files, registry, tmp_path):
    groups = tables.read_rows(files)
    with pytest.raises(InputError, match="no evaluation of osediff on two"):
        tables.compose(spec, registry, {key: found for key, found in groups.items() if key != ("osediff", "two")})
    other = rows(tmp_path / "other.csv", "osediff", "two", {"psnr": [1, 2], "lpips": [1, 2], "fid": [1], "niqe": "x"})
    with pytest.raises(InputError, match="osediff on two has other images"):
        tables.compose(spec, registry, tables.read_rows([*files[:3], other]))
    torn = rows(tmp_path / "torn.csv", "osediff", "two", {"psnr": [1, 2, 3], "lpips": [1, 2], "fid": [1], "niqe": "x"})
    with pytest.raises(InputError, match="LPIPS of osediff on two lacks images"):
        tables.compose(spec, registry, tables.read_rows([*files[:3], torn]))


def test_metrics_of_one_row_may_have_protocols_of_their_own(spec, files, registry):
    """A protocol that changes PSNR leaves LPIPS as it was, and so do the rows."""
    groups = tables.read_rows(files)
    for rows_of in groups.values():
        for row in rows_of:
            row["protocol"] = "crop4/1" if row["metric"] == "psnr" else row["protocol"]
    assert {row["protocol"] for row in tables.compose(spec, registry, groups)} == {"crop4/1 + osediff/1"}
    groups["osediff", "two"][0]["protocol"] = "osediff/1"
    groups["osediff", "two"] = [r | {"protocol": "osediff/1"} for r in groups["osediff", "two"]]
    with pytest.raises(InputError, match="osediff on two has other images or another protocol"):
        tables.compose(spec, registry, groups)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"metrics": ["psnr", "lpps"]}, "metric lpps"),
        ({"preset": "huge"}, "preset"),
        ({"methods": {"a": {"title": "A", "steps": 1}, "b": {"title": "A", "steps": 1}}}, "the title A"),
    ],
)
def test_bad_specification(spec, files, tmp_path, change, named):
    done = make(spec | change, files, tmp_path / "table1")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and named in done.stderr and done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("table1*"))


def test_table_1_has_the_columns_of_the_paper(registry):
    content = yaml.safe_load((ROOT / "config/tables.yaml").read_text())
    assert content["table1"]["metrics"] == [name for name in registry["metrics"] if name != "kid"], "as in the paper"


def test_html_says_the_same_and_needs_nothing(spec, files, tmp_path):
    titled = spec | {"title": "Table <1>"}
    assert make(titled, files, tmp_path / "table1").returncode == 0
    text = (tmp_path / "table1.html").read_text()
    root = ElementTree.fromstring(text.split("\n", 1)[1].replace('<meta charset="utf-8">', ""))
    assert root.findtext("body/h1") == "Table <1>"
    with (tmp_path / "table1.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    body = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    assert [row[4:] for row in body[1:]] == [row[6:] for row in rows[1:]]
    assert 'class="best"' in text and "http" not in text.split("<ul>")[0]
