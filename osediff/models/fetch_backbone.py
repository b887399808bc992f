"""Brings a pretrained backbone into its folder: from a mirror, from a folder that has it, or full of random numbers.

    python -m osediff.models.fetch_backbone --spec JSON --out DIR [--local DIR] [--offline]

The specification is an entry of config/backbones.yaml. ``manifest.json``, written last, says which mirror and revision
gave the files, and the size and sha256 of each. Files that lie in DIR already are checked and taken.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import parse
from osediff.common.artifacts.record import manifest
from osediff.common.errors import run
from osediff.common.files import lock, sha256, write_json
from osediff.models import backbone as backbones
from osediff.models.backbone import MANIFEST

Spec = dict[str, Any]


def obtain_files(spec: Spec, out: Path, local: Path | None, offline: bool) -> Spec:
    """Make every file of ``spec`` present in ``out``; returns what its manifest says of them."""
    artifact = parse(spec["download"], spec["title"])
    about = manifest(artifact, obtain(artifact, Fetching(offline=offline, local=local), folder=out))
    return {"weights": "pretrained", **{key: about[key] for key in ("mirror", "revision", "provided_locally")}}


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
        came_from = (
            randomize(spec, args.out) if "random" in spec else obtain_files(spec, args.out, args.local, args.offline)
        )
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
    print(f"{args.out}: {spec['title']}, {came_from['weights']} weights, {came_from.get('mirror') or 'from here'}")


if __name__ == "__main__":
    run(main)
