"""Let pyiqa's networks compute nothing twice and nothing that is not used; their values stay equal to the bit.

- LPIPS and DISTS: the features of an HR image are the same for all methods, so they are kept (``feature_store``).
- CLIPIQA: its ten prompts are the same for all images, so their embedding is computed once in a process.
- MANIQA: it reads the blocks 6 to 9 of its ViT, so the last two blocks are left out.

pyiqa's code runs unchanged around these parts. Checked with pyiqa 0.1.16.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.feature_store import FeatureStore, feature_key

if TYPE_CHECKING:
    from torch import Tensor, nn

MANIQA_BLOCKS = 10  # of the ViT's twelve
# In one measurement, LPIPS computes the features of the HR image first, and DISTS those of the SR image.
HR_CALL = {"LPIPS": 0, "DISTS": 1}


def economize(network: nn.Module) -> None:
    """Leave out of a network of pyiqa what no value depends on, and remember what is the same for all images."""
    kind = type(network).__name__
    if kind == "CLIPIQA":
        remember_text(network)
    elif kind == "MANIQA":
        vit: Any = network.vit
        vit.blocks = vit.blocks[:MANIQA_BLOCKS]


def remember_text(network: Any) -> None:
    """Let CLIPIQA's text encoder answer from memory when it gets the tokens that it had before."""
    (clip,) = network.clip_model
    encode = clip.encode_text
    known: list[Tensor] = []

    def encode_once(tokens: Tensor) -> Tensor:
        if not (known and known[0].device == tokens.device and known[0].equal(tokens)):
            known[:] = [tokens, encode(tokens)]
        features: Tensor = known[1]
        return features

    clip.encode_text = encode_once


class SharedReference:
    """LPIPS or DISTS with HR features from a store: one pair of images at a time, on a CPU."""

    def __init__(self, network: nn.Module, definition: str, store: FeatureStore) -> None:
        """Replace the function of ``network`` that computes features by one that asks the store for those of HR."""
        self.definition, self.store = definition, store
        self.calls, self.hr_call, self.key = 0, HR_CALL[type(network).__name__], ""
        holder: Any = network.net if type(network).__name__ == "LPIPS" else network
        name = "forward" if type(network).__name__ == "LPIPS" else "forward_once"
        self.compute: Callable[[Tensor], Any] = getattr(holder, name)
        setattr(holder, name, self.features)

    def expect(self, images: Sequence[np.ndarray]) -> None:
        """Announce the HR images of the next measurement, uint8 (H, W, 3); several at once are not kept."""
        self.calls, self.key = 0, ""
        if len(images) == 1:
            self.key = feature_key(f"{self.definition} {images[0].shape}", [images[0].tobytes()])

    def features(self, image: Tensor) -> Any:
        """Return the features of ``image``; those of the expected HR image come from the store."""
        self.calls += 1
        if not self.key or self.calls - 1 != self.hr_call:
            return self.compute(image)
        return self.store.get(self.key, lambda: list(self.compute(image)))
