"""Provenance of a file: hashes of settings, folders and code, and versions of libraries."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from osediff.common.errors import InputError
from osediff.common.files import fingerprint, read_object, sha256
from osediff.models.backbone_folder import PARTS
from osediff.outcome import PROVENANCE

# The source files that decide the weights of a training. Other files (restoration, prompts, downloads, profiling, logs)
# may change, and a training state remains valid.
TRAINING_CODE = (
    "data/degradation.py",
    "data/pairs.py",
    "data/photo_list.py",
    "data/tensors.py",
    "losses/gan.py",
    "losses/objective.py",
    "losses/perceptual.py",
    "losses/vsd.py",
    "models/adapter_names.py",
    "models/backbone.py",
    "models/gemm_conv.py",
    "models/generator.py",
    "models/lora.py",
    "common/products.py",
    "training/batches.py",
    "training/distributed.py",
    "training/optimization.py",
    "models/sample_rng.py",
    "training/train.py",
)
LIBRARIES = ("torch", "diffusers", "peft", "transformers")


def folder_hash(folder: Path) -> str:
    """Return the sha256 over names and contents of the files below ``folder``, without Python's caches.

    Raises:
        InputError: the folder is absent or empty.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    if not files:
        raise InputError(f"{folder}: no such folder, or nothing in it")
    return fingerprint({str(path.relative_to(folder)): sha256(path) for path in files})


def backbone_hash(folder: Path) -> str:
    """Return the sha256 over the parts of the backbone in ``folder``; its model card and manifest decide nothing.

    Raises:
        InputError: a part is absent or empty.
    """
    return fingerprint({part: folder_hash(folder / part) for part in PARTS})


def note_backbone(checkpoint: Path, backbone: str) -> str:
    """Return a note if the checkpoint was trained on another backbone than the one with this hash; else nothing."""
    path = checkpoint / PROVENANCE
    trained_on = read_object(path).get("backbone", backbone) if path.exists() else backbone
    if trained_on == backbone:
        return ""
    return f"restored on another backbone ({backbone[:12]}) than the variant was trained on ({str(trained_on)[:12]})"


def training_code_hash() -> str:
    """Return the sha256 over the source files that decide the weights of a training."""
    package = Path(__file__).parent
    return fingerprint({name: sha256(package / name) for name in TRAINING_CODE})


def versions() -> dict[str, str]:
    """Return the versions of the libraries that decide the weights."""
    return {name: version(name) for name in LIBRARIES}
