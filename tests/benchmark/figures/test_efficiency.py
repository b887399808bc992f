"""Figure 1(b), scaling and roofline: what is drawn and said, and what happens where something is missing."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchmark.complexity import roofline, scaling
from benchmark.complexity.flops import count
from benchmark.data import published
from benchmark.figures import efficiency
from osediff.common.errors import InputError
from osediff.common.profiling import Part
from osediff.models.profiled import parts
from tests.helpers import ROOT

COLUMNS = ("method", "source", "seconds", "device", "gmacs", "mparams")
ROWS = [
    dict(zip(COLUMNS, cells, strict=True))
    for cells in (
        ("OSEDiff", "counted", "", "", "2244.3", "1290.0"),
        ("OSEDiff", "measured", "0.05", "Some GPU", "", ""),
        ("OSEDiff", "published", "0.11", "A100", "2265", "1775"),
        ("SeeSR", "published", "4.30", "A100", "65857", "2524"),
    )
]


def test_a_measured_time_takes_what_was_counted_and_a_published_one_what_was_printed() -> None:
    found, lacking = efficiency.marks(ROWS, {}, by_quality=False)
    assert [(mark.source, mark.seconds, mark.height, mark.gmacs) for mark in found] == [
        ("measured", 0.05, 1290.0, 2244.3),
        ("published", 0.11, 1775.0, 2265.0),
        ("published", 4.3, 2524.0, 65857.0),
    ]
    assert lacking == []


def test_quality_is_of_the_same_source_and_what_lacks_it_is_named() -> None:
    tables = published.load(ROOT / "config" / "published" / "osediff.csv")
    quality = efficiency.quality_of(tables, [], "drealsr", "CLIPIQA")
    found, lacking = efficiency.marks(ROWS, quality, by_quality=True)
    assert [(mark.method, mark.source, mark.height) for mark in found] == [
        ("OSEDiff", "published", 0.6963),
        ("SeeSR", "published", 0.6804),
    ]
    assert lacking == ["OSEDiff"]
    figure = efficiency.draw(found, lacking, "CLIPIQA", "Time and quality")
    told = figure.axes[0].texts[-1].get_text()
    assert "Not drawn for lack of a value: OSEDiff." in " ".join(told.split())


def test_published_marks_are_hollow_and_measured_ones_are_not() -> None:
    figure = efficiency.draw(efficiency.marks(ROWS, {}, by_quality=False)[0], [], "parameters (M)", "x")
    filled = {tuple(c.get_offsets()[0].tolist()): len(c.get_facecolor()) > 0 for c in figure.axes[0].collections}
    assert filled == {(0.05, 1290.0): True, (0.11, 1775.0): False, (4.3, 2524.0): False}
    assert figure.axes[0].get_xscale() == "log"


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(InputError, match="no method has both a time and a value"):
        efficiency.draw([], [], "x", "x")


def growing(size: int, batch: int, device: str, precision: str, scope: str) -> tuple[Any, str]:
    """Takes 1 ms for each image; 64 pixels are too many for its memory."""

    def run() -> None:
        if size >= 64:
            raise torch.OutOfMemoryError("CUDA out of memory")
        time.sleep(0.001 * batch)

    return run, "nothing"


def test_where_memory_ends_a_row_says_so_and_the_rest_is_measured(tmp_path: Path) -> None:
    spec = {"title": "One", "steps": 1, "pipeline": f"{__name__}:growing", "options": {}, "precision": "fp32"}
    spec |= {"sizes": [32, 64, 128], "batches": [1, 4], "batch_size": 32, "limit": 5}
    command = [
        sys.executable,
        "-m",
        "benchmark.complexity.scaling",
        "--spec",
        json.dumps(spec),
        "--out",
        str(tmp_path / "scaling"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "scaling.csv").open(newline="") as file:
        rows = {(row["size"], row["batch"]): row for row in csv.DictReader(file)}
    assert 0.001 <= float(rows["32", "1"]["seconds"]) < 0.1 and float(rows["32", "4"]["seconds"]) >= 0.004
    assert rows["64", "1"]["note"] == "out of memory at 64 pixels, batch 1" and not rows["64", "1"]["seconds"]
    assert rows["128", "1"]["note"].startswith("not tried: 64 pixels, batch 1: out of memory")
    assert (tmp_path / "scaling.png").stat().st_size > 0 and not (tmp_path / "scaling.partial").exists()


def test_a_bad_point_is_one_line(tmp_path: Path) -> None:
    spec = {"title": "One", "steps": 1, "pipeline": "nowhere:run", "options": {}, "precision": "fp32", "limit": 5}
    with pytest.raises(InputError, match="nothing to time: nowhere:run"):
        scaling.measure(spec | {"sizes": [8], "batches": [1], "batch_size": 8}, "cpu", tmp_path / "kept")


def test_bytes_are_weights_once_and_what_each_layer_reads_and_writes() -> None:
    network = nn.Sequential(nn.Linear(10, 20, bias=False), nn.ReLU())
    # 200 weights; 3x10 in and 3x20 out of the linear layer, 3x20 in and out of the ReLU.
    assert roofline.moved(Part("one", network, (torch.zeros(3, 10),)), 4) == 4 * (200 + 30 + 60 + 60 + 60)


def test_a_part_is_bound_by_the_slower_of_arithmetic_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device of 1 T operations and 1 GB a second, where every part is made to take one second."""
    monkeypatch.setattr(roofline, "rates", lambda device, dtype: (1e12, 1e9))
    monkeypatch.setattr(roofline, "seconds", lambda call, device: 1.0)
    options = {"backbone": str(ROOT / "backbones" / "demo"), "extractor": False}
    spec = {"title": "OSEDiff (demo)", "size": 64, "parts": "osediff.models.profiled:parts", "options": options}
    lines = roofline.table(spec, "cpu", "fp32")
    rows = {row[0]: row[1:] for row in (line.strip("| ").split(" | ") for line in lines) if len(row) == 7}
    with torch.device("meta"):
        unet = parts(64, options["backbone"])[1]
    arithmetic, memory = 2 * count(unet).total / 1e12, roofline.moved(unet, 4) / 1e9
    assert rows["UNet"][2] == ("arithmetic" if arithmetic > memory else "memory")
    assert float(rows["UNet"][3]) == pytest.approx(1e3 * max(arithmetic, memory), abs=0.06)
    assert rows["UNet"][4:] == ["1000.0", f"{max(arithmetic, memory):.0%}"]
    assert rows["all"][4] == "4000.0"
