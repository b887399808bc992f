"""The data inside a page: values to the printed digit and two more, and the pairs of the statistics."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.report.images import Placement
from benchmark.report.page_data import Measured, encode, page_data
from benchmark.statistics.pairwise import PAIRS
from osediff.common.errors import InputError
from osediff.common.files import JSON, write_json
from tests.benchmark.report.small_run import SmallRun
from tests.benchmark.rows import METRICS, read_rows


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


@pytest.mark.slow
def test_the_data_of_twelve_methods_on_thousands_of_images_is_small(tmp_path: Path) -> None:
    count, names = 3193, ("psnr", "ssim", "lpips", "dists", "niqe", "musiq", "maniqa", "clipiqa")
    run = SmallRun(tmp_path, methods={f"method-{index}": f"Method {index}" for index in range(12)})
    images = [f"{index:05}" for index in range(count)]
    entry: dict[str, JSON] = {"lr": [128, 128], "hr": [512, 512], "lr_sha256": "0", "hr_sha256": "0"}
    about: dict[str, JSON] = {"name": "one", "scale_factor": 4, "count": count, "verified": "number and sizes"}
    write_json(tmp_path / "data" / "manifest.json", {**about, "images": dict.fromkeys(images, entry)})
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"image": images, "value": 0.5 + 0.1 * rng.normal(size=count), "method": method, "metric": metric})
        for method in run.methods
        for metric in names
    ]
    frame = pd.concat(frames).assign(test_set="one", protocol="osediff/2", note="")
    spec = run.spec()
    spec = spec.model_copy(update={"comparison": spec.comparison.model_copy(update={"metrics": names})})
    data = page_data(Measured(spec, METRICS, frame, pd.DataFrame(columns=list(PAIRS))), Placement(tmp_path / "report"))
    assert len(encode(data)) < 2_500_000
