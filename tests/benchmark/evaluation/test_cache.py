"""Values that are kept: whose they are, and what happens where they cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.evaluation.cache import ResultCache
from benchmark.evaluation.runner import Resources, evaluate
from benchmark.metrics.registry import MetricRegistry
from osediff.common.images import read_rgb, write_png
from tests.benchmark.fixture_types import Folders


def test_what_was_kept_belongs_to_the_images(folders: Folders, tmp_path: Path, metric_registry: MetricRegistry) -> None:
    partial = tmp_path / "partial"
    selection, resources = metric_registry.select(["psnr"]), Resources(workers=1)
    before = evaluate(*folders, selection, partial, resources).rows
    write_png(folders[0] / "b.png", read_rgb(folders[1] / "b.png"))
    after = evaluate(*folders, selection, partial, resources).rows
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]
    assert after[1][2] == pytest.approx(80)


def test_a_value_is_in_the_file_before_the_next_one_and_a_cut_line_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "partial"
    with ResultCache(path, "cpu", 1) as cache:
        key = cache.key("psnr", "its definition", ["sha of SR", "sha of HR"])
        cache.add(key, "a", "psnr", 27.5)
        assert path.read_text().count("\n") == 1
    path.write_text(path.read_text() + '{"image": "b", "met')
    with ResultCache(path, "cpu", 1) as cache:
        assert cache[key] == 27.5 and list(cache.values) == [key]
        cache.add("other", "b", "psnr", 30.0)
    with ResultCache(path, "cpu", 1) as cache:
        assert cache["other"] == 30.0, "the line after the cut one is whole"


@pytest.mark.parametrize("change", ["device", "metric", "definition", "image"])
def test_a_key_is_of_all_that_a_value_depends_on(tmp_path: Path, change: str) -> None:
    with ResultCache(tmp_path / "a", "cpu", 1) as one, ResultCache(tmp_path / "b", "cuda", 8) as other:
        cache = other if change == "device" else one
        metric, definition = ("ssim" if change == "metric" else "psnr"), ("b" if change == "definition" else "a")
        digests = ["2" if change == "image" else "1", "3"]
        assert cache.key(metric, definition, digests) != one.key("psnr", "a", ["1", "3"])
