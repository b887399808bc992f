"""Provenance of a file: hashes of settings, folders and code, and versions of libraries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.common.files import read_object, sha256
from osediff.common.images import EXTENSIONS
from osediff.models.backbone import PARTS

# The source files that decide the weights of a training. Other files (restoration, prompts, downloads, profiling, logs)
# may change, and a training state remains valid.
TRAINING_CODE = (
    "data/degradation.py",
    "data/pairs.py",
    "losses/gan.py",
    "losses/objective.py",
    "losses/perceptual.py",
    "losses/vsd.py",
    "models/backbone.py",
    "models/gemm_conv.py",
    "models/generator.py",
    "models/lora.py",
    "training/batches.py",
    "training/distributed.py",
    "training/optimization.py",
    "models/sample_rng.py",
    "training/train.py",
)
MANIFEST = "manifest.json"
LIBRARIES = ("torch", "diffusers", "peft", "transformers")


def fingerprint(content: Any) -> str:
    """Return the sha256 of ``content``, any value that JSON can represent."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def folder_hash(folder: Path) -> str:
    """Return the sha256 over names and contents of the files below ``folder`` (see ``folder_digests``)."""
    return fingerprint(folder_digests(folder))


def folder_digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of the files below ``folder`` by path, without Python's caches.

    Raises:
        InputError: the folder is absent or empty.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    if not files:
        raise InputError(f"{folder}: no such folder, or nothing in it")
    # A training set of the paper's size takes minutes.
    progress = tqdm(files, desc=f"reading {folder.name}", unit="file", delay=5, leave=False)
    return {str(path.relative_to(folder)): sha256(path) for path in progress}


def check_photographs(folder: Path, digests: Mapping[str, str]) -> None:
    """Raise InputError if ``manifest.json`` in ``folder`` lists other photographs than are there; it may be absent.

    ``digests``: the result of ``folder_digests``.
    """
    if MANIFEST not in digests:
        return
    listed = read_object(folder / MANIFEST).get("photos")
    if not isinstance(listed, dict):
        raise InputError(f"{folder / MANIFEST}: lists no photographs; make the set again")
    wanted = {name: entry.get("sha256") if isinstance(entry, dict) else None for name, entry in listed.items()}
    found = {Path(path).stem: digest for path, digest in digests.items() if Path(path).suffix.lower() in EXTENSIONS}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise InputError(f"{folder}: {name} is not as {MANIFEST} there lists it; make the set again")


def backbone_hash(folder: Path) -> str:
    """Return the sha256 over the parts of the backbone in ``folder``; its model card and manifest decide nothing.

    Raises:
        InputError: a part is absent or empty.
    """
    return fingerprint({part: folder_hash(folder / part) for part in PARTS})


def training_code_hash() -> str:
    """Return the sha256 over the source files that decide the weights of a training."""
    package = Path(__file__).parent
    return fingerprint({name: sha256(package / name) for name in TRAINING_CODE})


def versions() -> dict[str, str]:
    """Return the versions of the libraries that decide the weights."""
    return {name: version(name) for name in LIBRARIES}
