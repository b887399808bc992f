"""The one loader of measured rows: what it gives, and every wrong file named by file, line and column."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmark.evaluation import results
from benchmark.evaluation.results import COLUMNS
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS, write_rows

HEAD = ",".join(COLUMNS)
GOOD = "m,t,a,psnr,27.5,p/1,"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return path


def test_rows_become_a_frame_with_nan_where_nothing_was_measured(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "a.csv", "a", "set", {"psnr": [20.0, 30.0], "fid": [12.5], "niqe": "needs x.mat"})
    frame = results.load([first, write_rows(tmp_path / "b.csv", "b", "set", {"psnr": [1.0]})], METRICS)
    assert list(frame.columns) == list(COLUMNS) and len(frame) == 5
    rows = results.of(frame, "a", "set")
    assert results.images(rows) == ["image000", "image001"]
    assert results.mean(results.values(rows, "psnr")) == 25.0
    assert results.values(rows, "niqe").empty and math.isnan(results.mean([]))
    assert results.first_note(rows) == "needs x.mat" and results.has_values(rows)
    assert frame["value"].isna().sum() == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["m,t,a,psnr,nan,p/1,"], "line 2, column value: 'nan' is not a finite number"),
        ([GOOD, "m,t,b,psnr,inf,p/1,"], "line 3, column value: 'inf' is not a finite number"),
        (["m,t,a,psnr,high,p/1,"], "line 2, column value: 'high' is not a finite number"),
        (["m,t,a,ssim,1.5,p/1,"], "line 2, column value: 1.5 is impossible for SSIM"),
        (["m,t,a,lpips,-0.1,p/1,"], "line 2, column value: -0.1 is impossible for LPIPS"),
        (["m,t,a,psnrr,1,p/1,"], "line 2, column metric: no metric 'psnrr', did you mean psnr"),
        ([GOOD, GOOD], "line 3, column value: m t a psnr stands at .* line 2 already"),
        ([GOOD, "m,t,b,psnr,27.5,p/2,"], "line 3, column protocol: psnr on t is of p/2, but of p/1"),
        ([GOOD + ",more"], "line 2: has 8 cells after column note, not 7"),
        (["m,t,a,psnr,27.5"], "line 2: has 5 cells up to value, not 7"),
        (["m,,a,psnr,27.5,p/1,"], "line 2, column test_set: is empty"),
        (["m,t,,psnr,27.5,p/1,"], "line 2, column image: PSNR needs the name of an image"),
        (["m,t,a,fid,27.5,p/1,"], "line 2, column image: FID needs nothing"),
        ([], "has no rows"),
        (['m,t,a,psnr,27.5,p/1,"two', 'lines"', "m,t,b,psnr,x,p/1,"], "line 4, column value: 'x'"),
    ],
)
def test_a_wrong_row_is_named_by_file_line_and_column(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        results.load([written(tmp_path, *lines)], METRICS)
    assert "rows.csv" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "line 1: is not UTF-8 text"),
        (HEAD.encode() + b"\nm,t,caf\xe9,psnr,1,p/1,\n", "line 2: is not UTF-8 text"),
        (b"\x00\x00\x00", "line 1: the columns must be method,"),
        (b"method,test_set\n", "line 1: the columns must be method,"),
        (b"", "line 1: the columns must be method,"),
        (HEAD.encode() + b'\n"a', "is no CSV"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        results.load([path], METRICS)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        results.load([tmp_path / "none.csv"], METRICS)


def test_the_same_value_in_two_files_is_refused(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / name, "m", "t", {"psnr": [1.0]}) for name in ("a.csv", "b.csv")]
    with pytest.raises(InputError, match=r"b\.csv line 2, .* stands at .*a\.csv line 2 already"):
        results.load(files, METRICS)


def test_methods_must_be_measured_alike_and_a_failed_one_is_passed_over(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "a.csv", "a", "t", {"psnr": [1.0, 2.0], "lpips": [0.1, 0.2]})
    failed = write_rows(tmp_path / "f.csv", "failed", "t", {"psnr": "out of memory", "lpips": "out of memory"})
    results.check_alike(results.load([one, failed], METRICS), ["a", "failed"], "t", METRICS)
    fewer = write_rows(tmp_path / "b.csv", "b", "t", {"psnr": [1.0], "lpips": [0.1]})
    with pytest.raises(InputError, match="b on t has other images"):
        results.check_alike(results.load([one, fewer], METRICS), ["a", "b"], "t", METRICS)
    torn = write_rows(tmp_path / "c.csv", "c", "t", {"psnr": [1.0, 2.0], "lpips": [0.1]})
    with pytest.raises(InputError, match="LPIPS of c on t lacks images"):
        results.check_alike(results.load([one, torn], METRICS), ["a", "c"], "t", METRICS)
    with pytest.raises(InputError, match="no evaluation of d on t"):
        results.check_alike(results.load([one], METRICS), ["a", "d"], "t", METRICS)
