"""Provide the weights of a prompt extractor in their folder, from a mirror or from a folder that has them.

    python -m osediff.prompts.weights --spec FILE.yaml --out DIR [--local DIR] [--offline]

The spec is an entry of ``weights`` in config/prompts.yaml. As with backbones, files that are in DIR already are checked
and used, a stopped download continues, and ``manifest.json``, written last, names the source of each file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import Artifact
from osediff.common.artifacts.offline import add_offline_option
from osediff.common.artifacts.record import manifest
from osediff.common.errors import run
from osediff.common.files import lock, write_json
from osediff.common.settings import read
from osediff.models.backbone_folder import MANIFEST


def main() -> None:
    """Provide one entry of config/prompts.yaml in its folder."""
    parser = argparse.ArgumentParser(prog="osediff.prompts.weights", description=main.__doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file of the entry")
    parser.add_argument("--out", type=Path, required=True, help="its folder")
    parser.add_argument("--local", type=Path, help="folder that has the files already; they are checked and copied")
    add_offline_option(parser)
    args = parser.parse_args()
    artifact = read(args.spec, Artifact)
    with lock(args.out.parent / f".{args.out.name}.lock"):
        (args.out / MANIFEST).unlink(missing_ok=True)
        print(f"{artifact.title}: {artifact.license}", flush=True)
        entries = obtain(artifact, Fetching(offline=args.offline, local=args.local), folder=args.out)
        write_json(args.out / MANIFEST, {"weights": "pretrained", **manifest(artifact, entries)}, durable=True)


if __name__ == "__main__":
    run(main)
