"""Brings a pretrained backbone into its folder: from a mirror, from a folder that has it, or full of random numbers.

    python -m osediff.models.fetch_backbone --spec JSON --out DIR [--local DIR] [--offline]

The specification is an entry of config/backbones.yaml. Mirrors are tried in order, and one of them gives every file;
what has arrived stays when a download stops, and every sha256 that is known is checked. ``manifest.json``, written
last, says which mirror and revision it was, and the size and sha256 of every file. Files that lie in DIR already are
taken as they are, after the same check.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch

from osediff.common import fetch
from osediff.common.errors import InputError, run
from osediff.common.files import lock, sha256, write_json
from osediff.models import backbone as backbones
from osediff.models.backbone import MANIFEST

HUB = "https://huggingface.co"
Spec = dict[str, Any]


def address(mirror: Spec, file: str) -> str:
    """URL of ``file`` at a mirror; $HF_ENDPOINT stands in for the Hugging Face Hub where it is set."""
    url = str(mirror["url"]).format(revision=mirror["revision"], file=file)
    return url.replace(HUB, os.environ.get("HF_ENDPOINT", HUB).rstrip("/"), 1)


def check(folder: Path, files: dict[str, str | None]) -> None:
    """InputError if a file of ``folder`` is not the one whose sha256 is known."""
    for name, digest in files.items():
        if digest is not None and sha256(folder / name) != digest:
            raise InputError(f"{folder / name}: another file than expected (sha256 {digest[:12]}…); remove it")


def download(spec: Spec, out: Path) -> Spec:
    """Fetches every file of ``spec`` from the first mirror that has them all; returns that mirror.

    InputError, with a reason for each mirror, where none has.
    """
    reasons = []
    for mirror in spec["mirrors"]:
        try:
            for name, digest in spec["files"].items():
                url = address(mirror, name)
                fetch.fetch([url], out / name, digest or "", fetch.announced([url]), None, False)
            return dict(mirror)
        except InputError as error:
            reasons.append(f"{mirror['name']}: {error}")
    raise InputError(f"{spec['title']}: no mirror gave it; put it into {out} by hand ({'; '.join(reasons)})")


def obtain(spec: Spec, out: Path, local: Path | None, offline: bool) -> Spec:
    """Makes every file of ``spec`` present in ``out``; returns where it came from, for the manifest."""
    if local is not None:
        absent = [name for name in spec["files"] if not (local / name).is_file()]
        if absent:
            raise InputError(f"{local}: lacks {', '.join(absent)}")
        check(local, spec["files"])
        for name in spec["files"]:
            fetch.take(local / name, out / name, "", (local / name).stat().st_size)
        return {"weights": "pretrained", "mirror": "a local folder", "revision": None}
    if all((out / name).is_file() for name in spec["files"]):
        check(out, spec["files"])
        return {"weights": "pretrained", "mirror": "files that lay here", "revision": None}
    if offline:
        first = spec["mirrors"][0]
        raise InputError(f"{spec['title']}: not in {out}, and the run is offline; get it from {address(first, '')}")
    mirror = download(spec, out)
    return {"weights": "pretrained", "mirror": mirror["name"], "revision": mirror["revision"]}


def randomize(spec: Spec, out: Path) -> Spec:
    """Writes a backbone of the given sizes with random weights (float16) to ``out``; returns what it is."""
    torch.manual_seed(spec["random"]["seed"])
    model = backbones.build(spec["random"]["sizes"], backbones.word_tokenizer([spec["random"]["words"]]))
    for network in (model.vae, model.unet, model.text_encoder):
        network.half()
    backbones.save(model, out)
    return {"weights": "random", "seed": spec["random"]["seed"]}


def main() -> None:
    """Command line: one entry of config/backbones.yaml in, its folder out."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--spec", required=True, help="the backbone's entry, as JSON")
    parser.add_argument("--out", type=Path, required=True, help="its folder, in diffusers' layout")
    parser.add_argument("--local", type=Path, help="folder that has the files already; they are checked and copied")
    parser.add_argument("--offline", action="store_true", help="stop instead of downloading")
    args = parser.parse_args()
    spec = json.loads(args.spec)
    with lock(args.out.parent / f".{args.out.name}.lock"):
        (args.out / MANIFEST).unlink(missing_ok=True)
        came_from = randomize(spec, args.out) if "random" in spec else obtain(spec, args.out, args.local, args.offline)
        found = {part: sorted((args.out / part).rglob("*")) for part in backbones.PARTS}
        files = {
            str(path.relative_to(args.out)): {"size": path.stat().st_size, "sha256": sha256(path)}
            for paths in found.values()
            for path in paths
            if path.is_file()
        }
        backbones.check(args.out)
        about = {"title": spec["title"], "license": spec["license"], **came_from, "files": files}
        write_json(args.out / MANIFEST, about)
    print(f"{args.out}: {spec['title']}, {came_from['weights']} weights, {came_from.get('mirror', 'made here')}")


if __name__ == "__main__":
    run(main)
