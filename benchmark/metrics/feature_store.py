"""Features of HR images, kept on disk: all methods of a test set share its HR images.

A feature file is found by the content of the image and by all that decides the features (network, weights, protocol),
so it never has to be thrown away. The folder is bounded: a new file makes room by removing those that nothing has read
for an hour, the oldest first; where that is not enough, the new one is not kept, and is computed again next time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from osediff.common.files import atomic

if TYPE_CHECKING:
    from torch import Tensor

VARIABLE = "BENCHMARK_HR_FEATURES_GB"  # bound of the folder; without it, or 0: nothing is kept
FOLDER = Path("data/hr-features")
LAST = " channels last"  # in the name of a tensor whose channels are last in memory
IN_USE = 3600.0  # seconds after which a file that nothing has read may be removed

Features = list["Tensor"]


@dataclass(frozen=True)
class FeatureStore:
    """A folder of features with at most ``limit`` bytes."""

    folder: Path
    limit: int

    def get(self, key: str, compute: Callable[[], Features]) -> Features:
        """Return the features of ``key``: those on disk, or those that ``compute`` returns, which are kept."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = self.folder / f"{key}.safetensors"
        with contextlib.suppress(OSError, SafetensorError):  # absent, removed at this moment, or damaged
            kept = unpack(load_file(path))
            os.utime(path)
            return kept
        features = compute()
        self.put(path, features)
        return features

    def put(self, path: Path, features: Features) -> None:
        """Write features if there is room for them."""
        from safetensors.torch import save_file

        if self.make_room(sum(tensor.numel() * tensor.element_size() for tensor in features) + 4096):
            with contextlib.suppress(OSError), atomic(path) as aside:  # a full disk stops no evaluation
                save_file(pack(features), aside)

    def make_room(self, size: int) -> bool:
        """Remove files that are not in use until ``size`` more bytes fit; return whether they do."""
        entries = []
        for path in self.folder.glob("*.safetensors"):
            with contextlib.suppress(FileNotFoundError):  # removed by another process
                entries.append((path.stat().st_mtime, path.stat().st_size, path))
        surplus = sum(bytes_ for _, bytes_, _ in entries) + size - self.limit
        removable = [entry for entry in sorted(entries) if time.time() - entry[0] > IN_USE]
        if surplus > sum(bytes_ for _, bytes_, _ in removable):
            return False
        for _, bytes_, path in removable:
            if surplus <= 0:
                break
            path.unlink(missing_ok=True)
            surplus -= bytes_
        return True


def pack(features: Features) -> dict[str, Tensor]:
    """Name the features by their order and layout: sums over another layout would differ in the last bit."""
    import torch

    named = {}
    for index, tensor in enumerate(features):
        is_last = not tensor.is_contiguous() and tensor.is_contiguous(memory_format=torch.channels_last)
        named[f"{index}{LAST * is_last}"] = tensor.permute(0, 2, 3, 1) if is_last else tensor.contiguous()
    return named


def unpack(named: dict[str, Tensor]) -> Features:
    """Return features as they were before ``pack``."""
    order = sorted(named, key=lambda name: int(name.removesuffix(LAST)))
    return [named[name].permute(0, 3, 1, 2) if name.endswith(LAST) else named[name] for name in order]


def open_store() -> FeatureStore:
    """Return the store of this working folder, with the bound that the environment sets."""
    return FeatureStore(FOLDER, int(float(os.environ.get(VARIABLE) or 0) * 1e9))


def feature_key(definition: str, contents: Sequence[bytes]) -> str:
    """Return the key of the features of some images.

    Args:
        definition: all that decides the features besides the images.
        contents: the images, or their digests.
    """
    digest = hashlib.sha256(definition.encode())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
