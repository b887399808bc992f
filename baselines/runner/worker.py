"""The process of a baseline: load it once, restore every image, report progress.

    python -m baselines.runner.worker SPEC PIPE

baselines.runner.run starts this command in the environment of the baseline. Besides the adapter's packages, the
environment contains numpy, Pillow, tqdm, PyYAML and pydantic. SPEC is a YAML file (``WorkerSpec``), PIPE is the file
descriptor for messages.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import Literal

import numpy as np

from baselines.runner.adapters import import_adapter
from baselines.runner.descriptor import Scalar, SeedMode, Weights
from baselines.runner.messages import Message, send_message
from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.images import find_sr_fault, list_images
from osediff.common.restore_folder import remove_outdated, restore_folder
from osediff.common.settings import Settings, read
from osediff.common.shards import Shard

VERSIONED = ["torch", "torchvision", "numpy", "pillow", "spandrel", "spandrel-extra-arches", "diffusers", "peft"]
VERSIONED += ["transformers", "accelerate", "timm", "einops", "omegaconf", "open-clip-torch", "pytorch-lightning"]


class Provenance(Settings):
    """Everything besides the LR images that decides the pixels of the SR images; it becomes a part of run.json."""

    method: Literal["baseline"] = "baseline"
    baseline: str
    license: str
    commit: str | None
    """Commit of the checkout; None if only weights are used."""
    weights: Weights
    weights_sha256: dict[str, str]
    """By path below weights/ of the sources."""
    settings: dict[str, Scalar]
    seed: int
    seed_mode: SeedMode
    device: str
    """Kind of device, without its number."""
    note: str = ""
    """Note for every row that is measured with these images."""


class WorkerSpec(Settings):
    """Settings of the process of a baseline."""

    provenance: Provenance
    entry: str
    """module:function of the adapter."""
    scale_factor: int
    input: str
    """Folder of LR images."""
    output: str
    """Folder of SR images."""
    progress: str | None = None
    """Folder in which they are made; None: the same."""
    shard: tuple[int, int] | None = None
    """Number and count of the part that is restored; None: all images."""
    record: str
    """JSON file that is written at the end."""
    sources: str
    """Folder of checkouts and weights."""
    cache: str
    """Folder for what does not depend on the seed, such as captions."""
    device: str
    stream_seed: int
    """Seed for the seed mode official_stream."""


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """Stop any connection that leaves this machine: an audit hook of Python.

    Raises:
        RuntimeError: the code of a baseline wants to fetch something.
    """
    if event == "socket.getaddrinfo":
        address = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        address = arguments[1][0]
    else:
        return
    host = address.decode() if isinstance(address, bytes) else str(address or "localhost")
    if host not in ("localhost", "::1") and not host.startswith("127."):
        raise RuntimeError(f"wants to fetch from {host}, but a run fetches nothing; name the file under weights")


def image_seed(method: str, seed: int, stem: str) -> int:
    """Return the seed of one image: 32 bits of sha256(method, seed, stem).

    The seed is the same in any order of the images and in any part of a folder.
    """
    return int.from_bytes(hashlib.sha256(f"{method}/{seed}/{stem}".encode()).digest()[:4])


def seed_all(seed: int) -> None:
    """Seed every global generator that is loaded: Python's, NumPy's, and torch's on all devices."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002, official code draws from this one
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of those installed libraries that decide pixels."""
    versions = {"python": sys.version.split()[0]}
    for name in VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def hash_code() -> str:
    """Return a sha256 over the loaded modules of baselines/, so that an edited adapter restores its images again."""
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    ours = sorted(name for name, file in files.items() if file and name.startswith("baselines."))
    return hashlib.sha256("".join(sha256(Path(str(files[name]))) for name in ours).encode()).hexdigest()


def restore_images(spec: WorkerSpec, send: Callable[[Message], None]) -> None:
    """Restore every image of the input folder and write the record.

    Raises:
        InputError: what the user can correct.
        ValueError: the adapter returned an image of another shape or type.
    """
    source, output, cache = Path(spec.input), Path(spec.output), Path(spec.cache)
    progress = Path(spec.progress) if spec.progress else None
    shard = Shard(*spec.shard) if spec.shard else None
    provenance, names = spec.provenance, list(list_images(source))
    cache.mkdir(parents=True, exist_ok=True)
    adapter = import_adapter(provenance.baseline, spec.entry, provenance.settings)
    restore_image = adapter.load(Path(spec.sources), spec.device, cache)
    run_settings = {**provenance.model_dump(), "versions": library_versions(), "glue": hash_code()}
    stream = provenance.seed_mode == "official_stream"
    if stream:
        # Remove all images: a stream of random numbers cannot be entered in its middle.
        remove_outdated(progress or output, {}, {})
        seed_all(spec.stream_seed)
    send(Message(event="loaded"))

    def restore(lr: np.ndarray, stem: str) -> np.ndarray:
        send(Message(event="begun", detail=stem))
        started = time.perf_counter()
        seed = None if stream else image_seed(provenance.baseline, provenance.seed, stem)
        if seed is not None:
            seed_all(seed)
        sr = restore_image(lr, stem, seed)
        fault = find_sr_fault(sr, lr, spec.scale_factor)
        if fault:
            raise ValueError(f"{stem} {fault}")
        seconds = f"{time.perf_counter() - started:.1f} s"
        print(f"[{names.index(stem) + 1}/{len(names)}] {stem}: {seconds}, seed {seed}", file=sys.stderr, flush=True)
        send(Message(event="restored", detail=stem))
        return sr

    restore_folder(source, output, Path(spec.record), restore, run_settings, spec.scale_factor, shard, progress)


def end_with_parent(parent: int) -> None:
    """End this process once ``parent`` is gone, whatever this process is doing."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Command line: a spec and a pipe in; SR images and their record out."""
    Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    spec, pipe = Path(sys.argv[1]), int(sys.argv[2])
    sys.addaudithook(refuse_network)
    try:
        restore_images(read(spec, WorkerSpec), lambda message: send_message(pipe, message))
    except InputError as error:
        send_message(pipe, Message(event="input_error", detail=str(error)))
        sys.exit(2)


if __name__ == "__main__":
    main()
