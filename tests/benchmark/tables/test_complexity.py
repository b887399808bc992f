"""Table 2: what is counted, how it stands beside the published figures, and what cannot be counted."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchmark.complexity import complexity
from benchmark.tables import complexity as table2
from osediff.common.errors import InputError
from osediff.common.profiling import Part
from tests.helpers import ROOT

PUBLISHED = ROOT / "config" / "published" / "osediff-tables-2-7.csv"


def shared_parts(size: int, merged: bool = True) -> list[Part]:
    """Two parts that share a layer, the second of which runs fifty times."""
    layer, other = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=not merged)
    return [
        Part("first", layer, (torch.zeros(size, 8),), trainable={"LoRA": 5}),
        Part("second", nn.Sequential(layer, other), (torch.zeros(size, 8),), runs=50),
    ]


def no_parts(size: int) -> list[Part]:
    """Nothing to count."""
    return []


def spec(function: str) -> dict[str, Any]:
    parts = f"{__name__}:{function}"
    return {"title": "OSEDiff", "steps": 50, "size": 16, "parts": parts, "options": {}}


def test_parts_run_as_often_as_they_say_and_share_their_weights() -> None:
    found = complexity.of(spec("shared_parts"))
    first, second = found["merged"]
    assert (first["macs"], second["macs"]) == (16 * 64, 50 * 2 * 16 * 64)
    assert (first["parameters"], second["parameters"]) == (64, 64)
    assert found["beside"][1]["parameters"] == 64 + 8


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ("osediff.models.profiled:nothing", "no parts to count: osediff.models.profiled:nothing cannot be loaded"),
        ("nowhere:parts", "nowhere:parts cannot be loaded"),
        (f"{__name__}:no_parts", "gives no parts to count"),
    ],
)
def test_a_method_without_parts_is_named(parts: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        complexity.of(spec("no_parts") | {"parts": parts})


def test_a_size_that_the_networks_cannot_take() -> None:
    options = {"backbone": str(ROOT / "backbones" / "demo")}
    with pytest.raises(InputError, match=r"an image of 100 pixels a side: the networks take multiples of \d+"):
        complexity.of(spec("no_parts") | {"parts": "osediff.models.profiled:parts", "options": options, "size": 100})


def test_the_shipped_backbone_is_counted_as_it_is() -> None:
    from safetensors import safe_open

    options = {"backbone": str(ROOT / "backbones" / "demo")}
    found = complexity.of(spec("no_parts") | {"parts": "osediff.models.profiled:parts", "options": options, "size": 64})
    stored = 0
    for name in ("vae/diffusion_pytorch_model", "unet/diffusion_pytorch_model", "text_encoder/model"):
        with safe_open(ROOT / "backbones" / "demo" / f"{name}.safetensors", "pt") as file:
            stored += sum(file.get_tensor(key).numel() for key in file.keys())  # noqa: SIM118
    assert sum(part["parameters"] for part in found["merged"]) == stored


@pytest.fixture
def rendered(tmp_path: Path) -> tuple[list[dict[str, str]], str]:
    """Rows and Markdown of a table with a count, a baseline's count and a timing."""
    part = {"runs": 1, "trainable": 0, "uncounted": {}, "attention": 0}
    count = {"title": "OSEDiff", "steps": 1, "size": 512}
    count["merged"] = [
        part
        | {"part": "UNet", "macs": 2264_000_000_000, "attention": 680_000_000, "parameters": 10, "trainable": 8_493_000}
    ]
    count["beside"] = [part | {"part": "UNet", "macs": 1, "parameters": 10, "uncounted": {"aten::odd": 2}}]
    baseline = {
        "baseline": "sinsr",
        "size": 128,
        "total": {"gmacs": 2646.6, "without_attention": 2094.7, "mparams": 173.9},
    }
    baseline["parts"] = [{"part": "UNet", "calls": 15}, {"part": "VQ decoder", "calls": 1}]
    broken = {"baseline": "pasd", "size": 128, "failed": "ImportError: no odd"}
    timing = {"title": "OSEDiff", "size": 512, "steps": 1, "seconds": 0.0123, "device": "Some GPU"}
    timing |= {"protocol": "plain", "includes": "UNet", "precision": "bf16", "batch": 1, "runs": 50}
    timing |= {"p5": 0.012, "p95": 0.013, "peak_memory": 5_000_000_000}
    other = timing | {"device": "Another GPU", "seconds": 0.0456}
    ended = {"title": "PASD", "size": 512, "steps": 20, "device": "Some GPU", "failed": "out of memory at 512 pixels"}
    contents = {"a": count, "b": baseline, "c": broken, "t": timing, "u": other, "v": ended}
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    readings = {
        "gmacs": {"parts": ["UNet"], "merged": True, "attention": ["UNet"]},
        "mparams": {"parts": ["UNet", "RAM"]},
    }
    given = {"readings": {"OSEDiff": readings}, "baselines": {"sinsr": {"title": "SinSR", "steps": 1}}}
    given["baselines"]["pasd"] = {"title": "PASD", "steps": 20}
    command = [
        sys.executable,
        "-m",
        "benchmark.tables.complexity",
        "--spec",
        json.dumps(given),
        "--out",
        str(tmp_path / "table2"),
    ]
    files = [str(tmp_path / f"{name}.json") for name in contents]
    command += ["--counts", *files[:3], "--timings", *files[3:]]
    subprocess.run([*command, "--published", str(PUBLISHED)], check=True, cwd=ROOT)
    with (tmp_path / "table2.csv").open(newline="") as file:
        return list(csv.DictReader(file)), (tmp_path / "table2.md").read_text()


def test_counted_measured_and_published_stand_together(rendered: tuple[list[dict[str, str]], str]) -> None:
    rows, text = rendered
    of = [row for row in rows if row["method"] == "OSEDiff"]
    assert [row["source"] for row in of] == ["counted", "counted", "measured", "measured", "published"]
    merged, beside, measured, other, published = of
    assert (merged["gmacs_without_attention"], merged["mparams_trainable"]) == ("2264.0", "8.493")
    assert beside["includes"] == "UNet, LoRA beside the weights; not counted: aten::odd"
    assert (measured["seconds"], measured["device"]) == ("0.0123", "Some GPU")
    assert (other["seconds"], other["device"]) == ("0.0456", "Another GPU")  # beside it, not converted
    assert (
        "protocol plain, bf16, batch 1, 50 runs, 90 % of them within 0.012 to 0.013 s; 5.00 GB" in measured["includes"]
    )
    assert (published["seconds"], published["device"], published["gmacs"]) == ("0.11", "A100", "2265")
    assert published["includes"] == "not stated"
    sinsr = [row for row in rows if row["method"] == "SinSR"]
    assert [(row["source"], row["gmacs"]) for row in sinsr] == [("counted", "2646.6"), ("published", "2649")]
    assert sinsr[0]["includes"] == "UNet x15 + VQ decoder"
    assert len([row for row in rows if row["source"] == "published"]) == 7
    assert "| *SinSR* | *published* |" in text and "0.0123 (Some GPU)" in text


def test_what_could_not_be_counted_or_timed_says_why_and_the_others_stand(
    rendered: tuple[list[dict[str, str]], str],
) -> None:
    counted, timed, published = [row for row in rendered[0] if row["method"] == "PASD"]
    assert (counted["gmacs"], counted["includes"]) == ("", "not counted: ImportError: no odd")
    assert (timed["seconds"], timed["includes"]) == ("", "no time: out of memory at 512 pixels")
    assert published["gmacs"] == "29125"


def test_a_file_that_is_no_timing_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(
        InputError, match=r"t\.json: not a file of benchmark\.complexity\.timing, it has no title, steps"
    ):
        table2.row_of_timing(tmp_path / "t.json")


def test_the_nearest_reading_is_named_with_its_remainder(rendered: tuple[list[dict[str, str]], str]) -> None:
    _, text = rendered
    assert "published 2265 G multiply-adds: the nearest reading is 2264.68 G (UNet, LoRA merged" in text
    assert "-0.32 off" in text
    assert "parameters: the nearest reading" not in text  # RAM was not counted, so nothing is said


def test_published_rows_are_the_papers() -> None:
    rows = {row["method"]: row for row in table2.rows_published(PUBLISHED)}
    assert rows["StableSR"]["gmacs"] == "79940" and rows["PASD"]["mparams"] == "1900"
