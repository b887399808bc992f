"""Published numbers, checked by hand against the paper's tables."""

from pathlib import Path

import pytest

from benchmark.data import published
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS
from tests.helpers import ROOT

FILE = ROOT / "config/published/osediff.csv"
# Metrics of this suite that nobody prints, or not under a name that says which variant it is.
UNPUBLISHED = {"kid", "color-shift", "seams", "topiq-nr", "topiq-fr", "clipiqa-plus", "afine", "afine-nr"}


@pytest.mark.parametrize(
    ("table", "method", "test_set", "metric", "printed", "steps"),
    [
        ("table1", "OSEDiff", "drealsr", "psnr", "27.92", 1),
        ("table1", "OSEDiff", "drealsr", "fid", "135.30", 1),
        ("table1", "StableSR", "div2k-val", "lpips", "0.3113", 200),
        ("table1", "DiffBIR", "div2k-val", "lpips", "0.3524", 50),
        ("table1", "ResShift", "drealsr", "clipiqa", "0.5342", 15),
        ("table1", "SinSR", "realsr", "maniqa", "0.5385", 1),
        ("table8", "Real-ESRGAN", "realsr", "niqe", "5.8295", None),
        ("table8", "OSEDiff", "drealsr", "musiq", "64.66", None),
    ],
)
def test_values_of_the_paper(
    table: str, method: str, test_set: str, metric: str, printed: str, steps: int | None
) -> None:
    (value,) = [
        row
        for row in published.load([FILE], METRICS).to_dict("records")
        if (row["table"], row["method"], row["test_set"], row["metric"]) == (table, method, test_set, metric)
    ]
    assert (value["printed"], value["steps"], value["value"]) == (printed, str(steps or ""), float(printed))
    assert value["source"] == f"arXiv 2406.08177v3 Table {table[-1]}"


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
def test_values_of_tables_2_to_7(key: tuple[str, str, str], text: str) -> None:
    values = published.load([ROOT / "config/published/osediff-tables-2-7.csv"], METRICS)
    rows = values[(values["table"] == key[0]) & (values["method"] == key[1]) & (values["metric"] == key[2])]
    assert list(rows["printed"]) == [text]


def test_all_files_are_read_and_name_known_things() -> None:
    values = published.load(sorted((ROOT / "config/published").rglob("*.csv")), METRICS)
    tables = set(values["table"])
    assert {f"table{number}" for number in range(1, 9)} | {
        "log",
        "tsd-sr-table1",
        "tadsr-table1",
        "rsd-table17",
    } <= tables
    assert set(values["metric"]) == (METRICS.keys() - UNPUBLISHED) | {*published.COMPLEXITY, *published.ELSEWHERE}


def test_tables_are_complete() -> None:
    rows = published.load([FILE], METRICS)
    for table, methods in (("table1", 7), ("table8", 5)):
        of_table = rows[rows["table"] == table]
        assert len(of_table) == methods * 3 * 9
        assert set(of_table["metric"]) == {name for name, metric in METRICS.items() if metric.protocol is None} - {
            "kid"
        }


def test_tolerances_follow_the_digits_and_the_protocol() -> None:
    for row in published.load([FILE], METRICS).to_dict("records"):
        decimals = len(row["printed"].split(".")[1])
        assert decimals == METRICS[row["metric"]].decimals
        expected = 0.001 if row["metric"] in ("niqe", "maniqa") else pytest.approx(0.5 * 10**-decimals)
        assert row["tolerance"] == expected
        assert (row["protocol"] == "osediff/2") == (row["metric"] != "maniqa"), "MANIQA was printed with random crops"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("table1,A,1,realsr,psnr,2.1", "line 2: has 6 cells up to value, not 9"),
        ("table1,A,1,realsr,psnr,x,s,p,0.1", "line 2, column value: 'x' is not a finite number"),
        ("table1,A,1,realsr,psnr,nan,s,p,0.1", "line 2, column value: 'nan' is not a finite number"),
        ("table1,A,1,realsr,psnr,2.0,s,p,0", "line 2, column tolerance: must be above 0"),
        ("table1,A,1,realsr,ssim,2.0,s,p,0.1", "line 2, column value: 2.0 is impossible for SSIM"),
        ("table1,A,1,realsr,psnrr,2.0,s,p,0.1", "line 2, column metric: no metric 'psnrr', did you mean psnr"),
        ("table1,A,one,realsr,psnr,2.0,s,p,0.1", "line 2, column steps: 'one' is not a whole number"),
        ("table1,A,1,,psnr,1.0,s,p,0.1", "line 2, column test_set: is empty"),
        (
            "table1,A,1,realsr,psnr,1.0,s,p,0.1\ntable1,A,1,realsr,psnr,1.1,s,p,0.1",
            "line 3, column value: gives .* a second time",
        ),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, named: str) -> None:
    file = tmp_path / "published.csv"
    file.write_text(",".join(published.COLUMNS) + "\n" + line + "\n")
    with pytest.raises(InputError, match=named):
        published.load([file], METRICS)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "published.csv"
    file.write_text("table,method\n")
    with pytest.raises(InputError, match="line 1: the columns must be table,method"):
        published.load([file], METRICS)
