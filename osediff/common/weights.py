"""Find the weights of metrics and of training losses on this machine, and check their bytes.

Nothing heavy is imported, and nothing is fetched: ``python -m osediff.common.artifacts fetch metric-weights`` fetches
them.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache
from pathlib import Path

from osediff.common.errors import InputError
from osediff.common.files import read_json, sha256, write_json

DIGESTS = "digests.json"
BROUGHT = "brought.json"  # sha256 by path of what a rule brought into the folder, before anything was measured
LPIPS_VGG = "lpips-vgg.safetensors"  # VGG16's convolutions and LPIPS's heads, as config/metrics.yaml brings them
CLIP = "clip-vit-base-patch32"  # the folder that config/loss_weights.yaml brings
CLIP_WEIGHTS = "pytorch_model.bin"  # in it, beside config.json
CLIP_SHA256 = "a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f"
LPIPS_VGG_SHA256 = "1e3836f53ddd9d6071108d5bdfd0c8f378d3c0c98e8701d8b6a7211180305a1c"
LOSS_SHA256 = {"lpips-vgg": LPIPS_VGG_SHA256, CLIP: CLIP_SHA256}  # by the names that recipes have for them


def weights_folder() -> Path:
    """Return the suite's folder of weights: $BENCHMARK_WEIGHTS, else data/weights of the working folder."""
    return Path(os.environ.get("BENCHMARK_WEIGHTS") or "data/weights")


def torch_home() -> Path:
    """Return the folder in which torch and pyiqa store the weights that they fetch."""
    cache_folder = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("TORCH_HOME") or Path(cache_folder) / "torch").expanduser()


def library_folders() -> list[Path]:
    """Return the folders in which torch, pyiqa and CLIP store their weights."""
    return [torch_home() / "hub" / name for name in ("pyiqa", "checkpoints", "clip")]


def find(name: str) -> Path | None:
    """Find the weights file ``name`` in the suite's folder, else in those of the libraries; None if it is absent."""
    folders = (weights_folder(), *library_folders())
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def provided(names: list[str]) -> dict[str, int]:
    """Return the bytes, by path, of those files of ``names`` that are here and that no rule fetched."""
    folder = weights_folder()
    try:
        brought = {Path(path).name for path in read_json(folder / BROUGHT)}
    except InputError:
        brought = set(names)  # what is in the folder, the rule will list
    paths = [path / name for path in library_folders() for name in names]
    paths += [folder / name for name in names if name not in brought]
    return {str(path): path.stat().st_size for path in paths if path.is_file()}


def digest(path: Path) -> str:
    """Return the sha256 of ``path``, remembered by path, size, times and inode: some of these files are large.

    If the suite's folder cannot be written, it is remembered only in this process.
    """
    status = path.stat()
    stamp = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    return _digest(path, stamp)


@cache
def _digest(path: Path, stamp: str) -> str:
    """Return the sha256 of ``path``; ``stamp`` distinguishes the file from an earlier one at this path."""
    memory, known = weights_folder() / DIGESTS, {}
    with contextlib.suppress(Exception):  # a damaged memory is made anew
        known = dict(read_json(memory))
    if isinstance(known.get(stamp), str):
        return str(known[stamp])
    value = sha256(path)
    with contextlib.suppress(OSError):
        if memory.parent.is_dir():
            write_json(memory, known | {stamp: value})
    return value
