"""pyiqa's networks, with random weights: that we call them as they want to be called."""

import math

import numpy as np
import pytest

from benchmark.evaluation.pairs import Task, inspect_pair, measure_batches
from benchmark.metrics.build import build_batch_metric, build_pair_metric
from benchmark.metrics.learned import crop_windows
from osediff.common.images import read_rgb, write_png


def test_random_crops_follow_the_image_and_nothing_else(metric_registry, random_weights, photos):
    windows = crop_windows(photos[0], 20, 224)
    assert windows == crop_windows(photos[0].copy(), 20, 224) != crop_windows(photos[1], 20, 224)
    assert all(
        top >= 0 and bottom <= 256 and bottom - top == right - left == 224 for top, bottom, left, right in windows
    )
    selection = metric_registry.under("osediff-random-crops", "").select(["maniqa"])
    two_crops = selection.metrics["maniqa"].model_copy(update={"random_crops": 2})  # of twenty, for its time
    score = build_pair_metric("maniqa", selection.model_copy(update={"metrics": {"maniqa": two_crops}}))
    value = score(*photos)
    assert math.isfinite(value) and score(*photos) == value


@pytest.mark.parametrize("name", ["lpips", "dists", "musiq", "clipiqa"])  # and maniqa above, for its time
def test_learned_metrics_of_images_run(metric_registry, random_weights, photos, name):
    score = build_pair_metric(name, metric_registry.select([name]))
    sr, hr = photos
    value = score(sr, hr)
    assert isinstance(value, float) and math.isfinite(value)
    assert score(sr, hr) == value
    if name in ("lpips", "dists"):  # the reference counts, and equal images have no distance
        assert value > 0
        assert score(hr, hr) == pytest.approx(0, abs=1e-5)
    else:
        assert score(sr, sr) == value


@pytest.mark.parametrize("name", ["lpips", "musiq", "clipiqa"])
def test_batches_of_one_size_give_the_values_of_single_pairs(metric_registry, random_weights, photos, tmp_path, name):
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
