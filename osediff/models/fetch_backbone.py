"""Provide a backbone in its folder: from a mirror, from a folder that has it, or with random weights.

    python -m osediff.models.fetch_backbone --spec FILE.yaml --out DIR [--local DIR] [--offline]

The spec is an entry of config/backbones.yaml. ``manifest.json``, written last, names the mirror and the revision of the
files, and the size and sha256 of each. Files that are in DIR already are checked and used.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import Artifact
from osediff.common.artifacts.offline import add_offline_option
from osediff.common.artifacts.record import manifest
from osediff.common.errors import InputError, run
from osediff.common.files import JSON, lock, sha256, write_json
from osediff.common.settings import read
from osediff.models.backbone_folder import MANIFEST, PARTS
from osediff.models.settings import Backbone, RandomBackbone


def obtain_files(artifact: Artifact, out: Path, how: Fetching) -> dict[str, JSON]:
    """Fetch every file of ``artifact`` into ``out``; return the entries for the backbone's manifest."""
    about = manifest(artifact, obtain(artifact, how, folder=out))
    return {"weights": "pretrained", **{key: about[key] for key in ("mirror", "revision", "provided_locally")}}


def randomize(settings: RandomBackbone, out: Path) -> dict[str, JSON]:
    """Write a backbone of the given sizes with random weights (float16) to ``out``; return entries for its manifest."""
    import torch  # takes seconds, which a download does not need

    from osediff.models import backbone as backbones

    torch.manual_seed(settings.seed)
    sizes = settings.sizes.model_dump(mode="json")
    model = backbones.build(sizes, backbones.word_tokenizer([settings.words]))
    for network in (model.vae, model.unet, model.text_encoder):
        network.half()
    backbones.save(model, out)
    return {"weights": "random", "seed": settings.seed}


def main() -> None:
    """Provide one backbone of config/backbones.yaml in its folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file of the backbone's entry")
    parser.add_argument("--out", type=Path, required=True, help="its folder, in diffusers' layout")
    parser.add_argument("--local", type=Path, help="folder that has the files already; they are checked and copied")
    add_offline_option(parser)
    args = parser.parse_args()
    spec = read(args.spec, Backbone)
    with lock(args.out.parent / f".{args.out.name}.lock"):
        (args.out / MANIFEST).unlink(missing_ok=True)
        print(f"{spec.title}: {spec.license}", flush=True)
        if spec.random:
            came_from = randomize(spec.random, args.out)
        elif spec.download:
            came_from = obtain_files(spec.download, args.out, Fetching(offline=args.offline, local=args.local))
        else:
            raise InputError(f"{args.spec}: has neither download nor random; no command brings {spec.title}")
        contents = {part: sorted((args.out / part).rglob("*")) for part in PARTS}
        files = {
            str(path.relative_to(args.out)): {"size": path.stat().st_size, "sha256": sha256(path)}
            for paths in contents.values()
            for path in paths
            if path.is_file()
        }
        from osediff.models.backbone import check

        check(args.out)
        about: JSON = {"title": spec.title, "license": spec.license, **came_from, "files": files}
        write_json(args.out / MANIFEST, about, durable=True)
    print(f"{args.out}: {spec.title}, {came_from['weights']} weights, {came_from.get('mirror') or 'from here'}")


if __name__ == "__main__":
    run(main)
