"""What was computed for an image is used again for the same pixels only."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from baselines.shared.cache import cache_array, cache_text


def test_texts_and_arrays_are_computed_once_for_the_same_pixels(tmp_path: Path) -> None:
    lr = np.zeros((4, 4, 3), np.uint8)
    captions = iter(["caption 1", "caption 2"])
    assert [cache_text(tmp_path, lr, "a", lambda: next(captions)) for _ in range(2)] == ["caption 1", "caption 1"]
    assert cache_text(tmp_path, lr + 1, "a", lambda: next(captions)) == "caption 2"
    embedding = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    embeddings = iter([embedding])
    for _ in range(2):
        assert np.array_equal(cache_array(tmp_path, lr, "a", lambda: next(embeddings)), embedding)
    name = f"a-{hashlib.sha256(lr.tobytes()).hexdigest()[:12]}"
    assert {path.name for path in tmp_path.glob(f"{name}.*")} == {f"{name}.txt", f"{name}.npy"}
