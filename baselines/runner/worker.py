"""The process that a baseline runs in: loads it once, restores each image, tells baselines.runner.run how it gets on.

    python -m baselines.runner.worker JOB PIPE

Started by baselines.runner.run, in the baseline's own environment; beside what the adapter needs, that holds numpy, Pillow and
tqdm. JOB is JSON, PIPE a file descriptor.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import sys
import time
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.common.images import list_images
from osediff.common.restore_folder import kept, restore_folder

VERSIONED = ["torch", "torchvision", "numpy", "pillow", "spandrel", "spandrel-extra-arches", "diffusers"]
VERSIONED += ["transformers", "accelerate", "timm", "einops", "omegaconf", "open-clip-torch", "pytorch-lightning"]


def refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: whatever wants to leave this machine is an error; sources are brought and verified ahead."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if host not in ("localhost", "::1") and not host.startswith("127."):
        raise RuntimeError(f"wants to fetch from {host}, but a run fetches nothing; name the file under weights")


def image_seed(method: str, seed: int, stem: str) -> int:
    """The seed of one image, 32 bits of sha256(method, seed, stem): the same in any order and any part of a folder."""
    return int.from_bytes(hashlib.sha256(f"{method}/{seed}/{stem}".encode()).digest()[:4])


def seed_all(seed: int) -> None:
    """Seeds every global generator that is loaded: Python's, NumPy's, and torch's on all devices."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002, official code draws from this one
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries here that decide pixels."""
    found = {"python": sys.version.split()[0]}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def glue() -> str:
    """sha256 over our own modules that are loaded, so that images of an older adapter are not taken for its own."""
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    ours = sorted(name for name, file in files.items() if file and name.startswith("baselines."))
    return hashlib.sha256("".join(sha256(Path(str(files[name]))) for name in ours).encode()).hexdigest()


def work(job: dict[str, Any], tell: Any) -> None:
    """Does ``job``: every image of its input folder, and the record at the end."""
    images, output, stream = list_images(Path(job["input"])), Path(job["output"]), job["seed_mode"] == "official_stream"
    module, function = job["entry"].split(":")
    load = getattr(importlib.import_module(module), function)
    cache = Path(job["cache"])
    cache.mkdir(parents=True, exist_ok=True)
    adapter = load(Path(job["sources"]), job["settings"], job["device"], cache)
    order = list(images)
    made_by = {**job["made_by"], "versions": versions(), "glue": glue()}
    if stream:
        kept(output, {}, {})  # a stream of random numbers cannot be entered in its middle
        seed_all(job["stream_seed"])
    tell({"loaded": True})

    def restore(lr: np.ndarray, stem: str) -> np.ndarray:
        tell({"begun": stem})
        started = time.perf_counter()
        seed = None if stream else image_seed(job["baseline"], job["seed"], stem)
        if seed is not None:
            seed_all(seed)
        sr = adapter(lr, stem, seed)
        wanted = (lr.shape[0] * job["scale_factor"], lr.shape[1] * job["scale_factor"], 3)
        if not isinstance(sr, np.ndarray) or sr.shape != wanted or sr.dtype != np.uint8:
            got = f"{sr.dtype} {sr.shape}" if isinstance(sr, np.ndarray) else type(sr).__name__
            raise ValueError(f"{stem} restored as {got}, needed is uint8 {wanted}")
        took = f"{time.perf_counter() - started:.1f} s"
        print(f"[{order.index(stem) + 1}/{len(order)}] {stem}: {took}, seed {seed}", file=sys.stderr, flush=True)
        tell({"restored": stem})
        return sr

    restore_folder(Path(job["input"]), output, Path(job["record"]), restore, made_by, job["scale_factor"])


def end_with(parent: int) -> None:
    """Ends this process, whatever it is doing, once ``parent`` was killed: nobody would notice it any more."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    job = json.loads(sys.argv[1])

    def tell(message: dict[str, Any]) -> None:
        os.write(int(sys.argv[2]), json.dumps(message).encode() + b"\n")

    sys.addaudithook(refuse_network)
    try:
        work(job, tell)
    except InputError as error:
        tell({"input_error": str(error)})
        sys.exit(2)


if __name__ == "__main__":
    main()
