"""The data inside a page: values to the printed digit and two more, and the pairs of the statistics."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from osediff.common.errors import InputError
from tests.benchmark.report.small_run import SmallRun
from tests.benchmark.rows import read_rows


def data_of(index: Path) -> Any:
    """Decode the data of a page."""
    match = re.search(r'id="data">([^<]*)<', index.read_text(encoding="utf-8"))
    assert match
    return json.loads(gzip.decompress(base64.b64decode(match[1])))


def test_values_and_pairs_are_those_of_the_rows(index: Path) -> None:
    data = data_of(index)
    (one,) = data["sets"]
    rows = read_rows(index.parents[2] / "rows" / "osediff.csv")
    expected = [round(float(row["value"]), 6) for row in rows if row["metric"] == "lpips"]
    assert [value / 10**6 for value in one["values"]["lpips"][1]] == pytest.approx(expected, abs=1e-6)
    pairs = read_rows(index.parents[1] / "pairwise.csv")
    assert [pair[2] for pair in one["pairs"]["psnr"]] == [
        float(row["difference"]) for row in pairs if row["metric"] == "psnr"
    ]
    assert [metric["id"] for metric in data["metrics"]] == ["psnr", "lpips", "dists"], "NIQE was not measured"
    assert one["sizes"] == [48, 48] and one["shown"] == dict.fromkeys(("LR", "HR", "bicubic", "osediff", "other"))
    assert one["prompts"]["osediff"] == "a prompt of osediff"


def test_an_image_that_the_test_set_does_not_have_is_named(run: SmallRun) -> None:
    run.write()
    run.images.append("stranger")
    run.write_rows()
    with pytest.raises(InputError, match=r"manifest\.json: has no image stranger"):
        run.build()
