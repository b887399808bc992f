"""Published numbers, checked by hand against the paper's tables."""

from pathlib import Path

import pytest

from benchmark.data import published
from osediff.common.errors import InputError
from tests.helpers import ROOT

FILE = ROOT / "config/published/osediff.csv"


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
def test_values_of_the_paper(table, method, test_set, metric, printed, steps):
    (value,) = [
        row
        for row in published.load(FILE)
        if (row.table, row.method, row.test_set, row.metric) == (table, method, test_set, metric)
    ]
    assert (value.printed, value.steps) == (printed, steps)
    assert value.source == f"arXiv 2406.08177v3 Table {table[-1]}"


def test_tables_are_complete(registry):
    rows = published.load(FILE)
    for table, methods in (("table1", 7), ("table8", 5)):
        cells = {(row.method, row.test_set, row.metric) for row in rows if row.table == table}
        assert len(cells) == methods * 3 * 9
        assert {cell[2] for cell in cells} == set(registry["metrics"]) - {"kid"}


def test_tolerances_follow_the_digits_and_the_protocol(registry):
    for row in published.load(FILE):
        decimals = len(row.printed.split(".")[1])
        assert decimals == registry["metrics"][row.metric]["decimals"]
        assert row.tolerance == (0.001 if row.metric in ("niqe", "maniqa") else pytest.approx(0.5 * 10**-decimals))
        assert (row.protocol == "osediff/2") == (row.metric != "maniqa"), "MANIQA was printed with random crops"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("table1,A,1,realsr,psnr,2.1", "line 2 has 6 fields"),
        ("table1,A,1,realsr,psnr,x,s,p,0.1", "line 2: could not convert"),
        ("table1,A,1,realsr,psnr,nan,s,p,0.1", "line 2: value and tolerance must be finite"),
        ("table1,A,1,,psnr,1.0,s,p,0.1", "line 2: test_set is empty"),
        ("table1,A,1,realsr,psnr,1.0,s,p,0.1\ntable1,A,1,realsr,psnr,1.1,s,p,0.1", "line 3 gives .* a second time"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line, named):
    file = tmp_path / "published.csv"
    file.write_text(",".join(published.COLUMNS) + "\n" + line + "\n")
    with pytest.raises(InputError, match=named):
        published.load(file)


def test_other_columns_are_refused(tmp_path: Path):
    file = tmp_path / "published.csv"
    file.write_text("table,method\n")
    with pytest.raises(InputError, match="must begin with the columns"):
        published.load(file)
