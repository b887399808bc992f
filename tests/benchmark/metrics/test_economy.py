"""What pyiqa's networks no longer compute changes no value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.metrics import learned
from benchmark.metrics.build import build_pair_metric
from benchmark.metrics.economy import MANIQA_BLOCKS, economize
from benchmark.metrics.feature_store import FOLDER, VARIABLE, Features, FeatureStore
from benchmark.metrics.registry import MetricRegistry
from osediff.common.pyiqa_networks import create
from tests.benchmark.fixture_types import ImagePair

pytestmark = pytest.mark.slow  # networks of full size


@pytest.mark.parametrize("name", ["lpips", "dists"])
def test_hr_features_are_computed_once_for_all_methods_and_values_are_equal_to_the_bit(
    metric_registry: MetricRegistry,
    random_weights: None,
    photos: ImagePair,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    selection, (sr, hr) = metric_registry.select([name]), photos
    torch.manual_seed(3)
    plain = build_pair_metric(name, selection)(sr, hr)
    assert not FOLDER.exists()

    computed: list[str] = []
    get = FeatureStore.get

    def count(store: FeatureStore, key: str, compute: Callable[[], Features]) -> Features:
        def counted() -> Features:
            computed.append(key)
            return compute()

        return get(store, key, counted)

    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setattr(FeatureStore, "get", count)
    torch.manual_seed(3)
    measure = build_pair_metric(name, selection)
    assert measure(sr, hr) == measure(sr, hr) == plain
    other = measure(np.ascontiguousarray(sr[::-1]), hr)
    assert other != plain and len(computed) == 1, "the HR image of all three"
    measure(hr, sr)
    assert len(computed) == 2


def test_maniqas_last_blocks_decide_no_value(metric_registry: MetricRegistry, random_weights: None) -> None:
    metric = metric_registry.metrics["maniqa"]
    network: Any = create(str(metric.name), [], "cpu").net
    crop = torch.rand(1, 3, 224, 224)

    def outputs() -> list[torch.Tensor]:
        with torch.no_grad():
            network.vit(crop)
        seen = list(network.save_output.outputs)
        network.save_output.outputs.clear()
        return seen

    whole = outputs()
    economize(network)
    short = outputs()
    assert (len(whole), len(short)) == (12, MANIQA_BLOCKS)
    assert all(torch.equal(one, other) for one, other in zip(whole, short, strict=False))


def test_clipiqa_encodes_its_prompts_once(
    metric_registry: MetricRegistry, random_weights: None, photos: ImagePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection = metric_registry.select(["clipiqa"])
    monkeypatch.setattr(learned, "economize", lambda network: None)
    plain = build_pair_metric("clipiqa", selection)
    expected = [plain(image, image) for image in photos]
    monkeypatch.setattr(learned, "economize", economize)
    network: Any = create(str(selection.metrics["clipiqa"].name), [Path("x")], "cpu").net
    (clip,) = network.clip_model
    encode, encoded = clip.encode_text, []

    def count(tokens: torch.Tensor) -> torch.Tensor:
        encoded.append(tokens)
        features: torch.Tensor = encode(tokens)
        return features

    monkeypatch.setattr(clip, "encode_text", count)
    score = build_pair_metric("clipiqa", selection)
    assert [score(image, image) for image in photos] == expected
    assert len(encoded) == 1
