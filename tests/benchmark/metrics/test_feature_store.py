"""Features of HR images on disk: they come back as they were, and the folder stays within its bound."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import torch

from benchmark.metrics import feature_store
from benchmark.metrics.feature_store import IN_USE, VARIABLE, Features, FeatureStore, feature_key, open_store

FEATURES = [torch.arange(1000.0).reshape(1, 10, 100), torch.full((1, 4), 0.1)]
ROOM = 13_000  # bytes: enough for two entries of FEATURES, and not for three


def compute() -> Features:
    return FEATURES


def refuse() -> Features:
    pytest.fail("computed although it is kept")


def age(path: Path) -> None:
    """Make a file look as if nothing had read it for longer than an hour."""
    before = time.time() - IN_USE - 60
    os.utime(path, (before, before))


def test_features_come_back_as_they_were_and_are_computed_once(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "features", ROOM)
    assert store.get("a", compute) is FEATURES
    assert all(torch.equal(kept, fresh) for kept, fresh in zip(store.get("a", refuse), FEATURES, strict=True))


def test_the_layout_in_memory_comes_back_too(tmp_path: Path) -> None:
    last = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    store = FeatureStore(tmp_path, ROOM)
    store.get("a", lambda: [FEATURES[1], last])
    first, kept = store.get("a", refuse)
    assert torch.equal(first, FEATURES[1])
    assert torch.equal(kept, last) and kept.stride() == last.stride()


def test_a_damaged_file_is_computed_again(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, ROOM)
    store.get("a", compute)
    (tmp_path / "a.safetensors").write_bytes(b"cut off")
    assert store.get("a", compute) is FEATURES
    store.get("a", refuse)


def test_the_folder_stays_within_its_bound_and_what_is_in_use_stays(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, ROOM)
    for key in "abc":
        store.get(key, compute)
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["a", "b"], "no room for a third"
    age(tmp_path / "a.safetensors")
    age(tmp_path / "b.safetensors")
    store.get("b", refuse)  # read again
    store.get("c", compute)
    assert sorted(path.stem for path in tmp_path.iterdir())[:1] == ["b"], "the one that nothing has read made room"
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= ROOM


def test_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where the folder should be")
    store = FeatureStore(tmp_path / "file" / "features", ROOM)
    assert store.get("a", compute) is FEATURES


def test_the_environment_sets_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert open_store().limit == 0
    monkeypatch.setenv(VARIABLE, "0.5")
    assert open_store() == FeatureStore(feature_store.FOLDER, 500_000_000)


def test_a_key_depends_on_every_image_their_order_and_the_definition() -> None:
    keys = {feature_key(text, images) for text in ("a", "b") for images in ([b"1", b"2"], [b"2", b"1"], [b"12"], [])}
    assert len(keys) == 8
