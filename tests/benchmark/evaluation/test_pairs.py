"""Pairs of images: what is read of them, what has no value, and batches of one size."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmark.evaluation.pairs import Pair, Task, checked_value, equal_batches, inspect_pair, measure_batches
from benchmark.metrics.build import build_batch_metric
from benchmark.metrics.registry import MetricRegistry
from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.images import read_rgb, write_png
from tests.benchmark.fixture_types import Folders, ImagePair


def test_a_pair_is_inspected_by_its_headers(folders: Folders) -> None:
    sr, hr = (folder / "a.png" for folder in folders)
    pair = inspect_pair("a", sr, hr)
    assert pair.size == (48, 48) and pair.digests == (sha256(sr), sha256(hr))
    write_png(sr, np.zeros((40, 48, 3), np.uint8))
    with pytest.raises(InputError, match=r"a\.png is 48x40 but .*a\.png is 48x48; they must have one size"):
        inspect_pair("a", sr, hr)


def test_a_value_that_is_none_is_named(tmp_path: Path) -> None:
    def fail() -> float:
        raise RuntimeError("singular matrix\nmore")

    with pytest.raises(InputError, match=r"niqe of .*x\.png fails \(singular matrix\); leave it out of --metrics"):
        checked_value("niqe", fail, tmp_path / "x.png")
    for value in ("nan", "inf"):
        with pytest.raises(InputError, match=rf"niqe of .*x\.png is {value}"):
            checked_value("niqe", partial(float, value), tmp_path / "x.png")


def test_batches_hold_pairs_of_one_size_and_the_same_metrics() -> None:
    def task(stem: str, side: int, *metrics: str) -> Task:
        return Task(Pair(stem, Path(), Path(), (side, side), ("", "")), metrics)

    tasks = [task("a", 8, "x"), task("b", 9, "x"), task("c", 8, "x"), task("d", 8, "x"), task("e", 8, "x", "y")]
    batches = equal_batches(tasks, 2)
    assert sorted(one.pair.stem for batch in batches for one in batch) == list("abcde")
    assert sorted(["".join(one.pair.stem for one in batch) for batch in batches]) == ["ac", "b", "d", "e"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lpips", "musiq", "clipiqa"])
def test_batches_of_one_size_give_the_values_of_single_pairs(
    metric_registry: MetricRegistry, random_weights: None, photos: ImagePair, tmp_path: Path, name: str
) -> None:
    """The way of a GPU, on a CPU: two sizes, batches that are not full, threads that decode."""
    tasks = []
    for index, side in enumerate((96, 64, 96, 96, 64)):
        for folder, image in zip(("sr", "hr"), photos, strict=True):
            write_png(tmp_path / folder / f"{index}.png", np.roll(image, 9 * index, axis=1)[:96, :side])
        pair = inspect_pair(str(index), tmp_path / f"sr/{index}.png", tmp_path / f"hr/{index}.png")
        tasks.append(Task(pair, (name,)))
    metric = build_batch_metric(name, metric_registry.select([name]), "cpu")
    values = {pair.stem: of_pair[name] for pair, of_pair in measure_batches(tasks, {name: metric}, 2, 2)}
    for task in tasks:
        alone = metric([read_rgb(task.pair.sr)], [read_rgb(task.pair.hr)])[0]
        assert values[task.pair.stem] == pytest.approx(alone, abs=1e-5)
    assert len(set(values.values())) == 5
