"""An evaluation of two folders: the same values by any number of processes, small images, metrics of sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmark.evaluation import pairs as pairs_module
from benchmark.evaluation import runner
from benchmark.evaluation.cache import ResultCache
from benchmark.evaluation.runner import Resources, evaluate
from benchmark.metrics.registry import MetricRegistry
from osediff.common.errors import InputError
from osediff.common.files import read_json_lines
from osediff.common.images import write_png
from tests.benchmark.fixture_types import Folders


def test_small_images_and_values_that_are_none(
    folders: Folders, tmp_path: Path, metric_registry: MetricRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "unavailable_reason", lambda *_: "")
    with pytest.raises(InputError, match=r"a\.png is too small for lpips: it needs 64 pixels"):
        evaluate(*folders, metric_registry.select(["lpips"]), tmp_path / "partial", Resources(workers=1))
    monkeypatch.setattr(pairs_module, "build_pair_metric", lambda *_: lambda sr, hr: float("nan"))
    with pytest.raises(InputError, match=r"psnr of .*a\.png is nan"):
        evaluate(*folders, metric_registry.select(["psnr"]), tmp_path / "partial", Resources(workers=1))


def test_values_do_not_depend_on_the_number_of_processes(
    folders: Folders, tmp_path: Path, metric_registry: MetricRegistry
) -> None:
    names = ["psnr", "ssim"]
    alone = evaluate(*folders, metric_registry.select(names), tmp_path / "alone", Resources(workers=1))
    (tmp_path / "partial").write_text((tmp_path / "alone").read_text().splitlines()[2] + "\n")
    beside = evaluate(*folders, metric_registry.select(names), tmp_path / "partial", Resources(workers=3))
    assert beside == alone
    assert len(read_json_lines(tmp_path / "partial")) == 6, "what was there already is not measured again"
    (folders[0] / "c.png").write_bytes((folders[0] / "c.png").read_bytes()[:900])
    with pytest.raises(InputError, match=r"c\.png: cannot be read as an image"):
        evaluate(*folders, metric_registry.select(names), tmp_path / "partial", Resources(workers=2))


def test_what_cannot_be_kept_stops_the_processes_too(
    folders: Folders, tmp_path: Path, metric_registry: MetricRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ResultCache, "add", full)
    with pytest.raises(OSError, match="No space left"):
        evaluate(*folders, metric_registry.select(["psnr"]), tmp_path / "partial", Resources(workers=2))


def test_metrics_of_sets_get_the_pairs_and_nothing_else(
    folders: Folders, tmp_path: Path, metric_registry: MetricRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders[0] / "old").mkdir()
    write_png(folders[0] / "old" / "x.png", np.zeros((8, 8, 3), np.uint8))
    seen: list[list[list[str]]] = []

    def score(sr: Sequence[Path], hr: Sequence[Path]) -> float:
        seen.append([[str(path.relative_to(tmp_path)) for path in files] for files in (sr, hr)])
        return 3.5

    monkeypatch.setattr(runner, "unavailable_reason", lambda *_: "")
    monkeypatch.setattr(runner, "build_set_metric", lambda *_: score)
    evaluation = evaluate(*folders, metric_registry.select(["fid"]), tmp_path / "partial", Resources(workers=1))
    assert seen == [[[f"{folder}/{stem}.png" for stem in "abc"] for folder in ("sr", "hr")]]
    assert evaluation.rows == [("", "fid", 3.5)]
    assert evaluation.notes == {"fid": "of 3 images; with fewer than 1000 compare only with values of the same images"}
