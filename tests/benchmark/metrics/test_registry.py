"""The metric registry: what is accepted, what is refused in one line, and what a protocol changes."""

from __future__ import annotations

import sys
from subprocess import run
from typing import Any

import pytest

from benchmark.metrics.registry import parse_registry, read_registry
from osediff.common.errors import InputError
from tests.helpers import ROOT

FILE = ROOT / "config" / "metrics.yaml"
PAPER_ORDER = ["psnr", "ssim", "lpips", "dists", "fid", "kid", "niqe", "musiq", "maniqa", "clipiqa"]
FURTHER = ["color-shift", "seams"]
BY_PYIQA = ["topiq-nr", "topiq-fr", "liqe", "clipiqa-plus", "nima", "pi", "afine", "afine-nr", "qalign"]


def test_the_file_has_the_papers_order_and_names_every_weights_file_that_it_uses() -> None:
    registry = read_registry(FILE)
    assert list(registry.metrics) == PAPER_ORDER + FURTHER + BY_PYIQA
    metrics = [m for name in ("osediff", *registry.protocols) for m in registry.under(name, "").metrics.values()]
    assert {key for metric in metrics for key in (*metric.weights, *metric.alternative_weights)} == set(
        registry.weights
    )


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("metrics", "psnr", "higher_is_beter"), True, "did you mean higher_is_better"),
        (("metrics", "psnr", "decimals"), 2.5, "metrics.psnr.decimals: must be a whole number"),
        (("metrics", "lpips", "name"), None, "metrics.lpips: key 'name' is missing: what pyiqa calls the metric"),
        (("metrics", "lpips", "weights"), ["alexnett"], "lpips: unknown weights file 'alexnett'"),
        (("protocols", "yiq", "metrics", "pnsr"), {}, "yiq: unknown metric 'pnsr', did you mean psnr"),
        (("metrics", "psnr", "needs_lr"), True, "metrics.psnr: needs_lr: only a metric of library suite"),
        (("metrics", "niqe", "library"), "scipy", "metrics.niqe.library: must not be 'scipy'"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    registry_content: dict[str, Any], keys: tuple[str, ...], value: object, message: str
) -> None:
    entry: Any = registry_content
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = value
    with pytest.raises(InputError) as error:
        parse_registry(registry_content, "metrics.yaml")
    assert message in str(error.value) and str(error.value).startswith("metrics.yaml: ")
    assert "\n" not in str(error.value)


def test_a_protocol_changes_its_metrics_and_their_name_on_the_rows() -> None:
    registry = read_registry(FILE)
    crop = read_registry(FILE, "crop4")
    assert crop.metrics["psnr"].options == {"color_space": "ycbcr", "crop_border": 4}
    assert [crop.protocol_of(name) for name in ("psnr", "lpips")] == ["crop4/1", "osediff/2"]
    assert registry.metrics["psnr"].options["crop_border"] == 0 and registry.protocol_of("psnr") == "osediff/2"
    assert {crop.protocol_of(name) for name in ("color-shift", "seams")} == {"suite/1"}, (
        "no part of the paper's protocol"
    )
    with pytest.raises(InputError, match="unknown protocol 'crop', did you mean crop4"):
        read_registry(FILE, "crop")


def test_reading_it_imports_nothing_heavy() -> None:
    code = "import sys, benchmark.metrics.registry; print({'numpy', 'torch', 'pandas', 'cv2'} & set(sys.modules))"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
