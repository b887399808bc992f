"""Extract the prompts of an image set once: images in, ``prompts.json`` out.

    python -m osediff.prompts.extract --spec FILE.yaml --weights ram=DIR ram-tags=DIR dape=DIR --images LR --out F
    python -m osediff.prompts.extract --spec FILE.yaml --weights ram=DIR ram-tags=DIR --photos DIR --out F

An image set is a folder (a test set's LR images, upsampled as in restoration), or the stream of training pairs of a
recipe and a seed. The official code tags the crops of a step in the training loop. Here each crop is tagged once, and
every variant that is trained on that stream uses the tags. A stopped call continues where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.files import JSON, lock, read_json_lines, write_json
from osediff.common.settings import read
from osediff.data.photo_list import PhotoList, open_photos
from osediff.prompts.extractors import WEIGHTS, Describe, hash_weights, load_extractor, parse_folders
from osediff.prompts.prompt_file import ExtractionSpec, PromptFile, PromptSource, StreamImages

if TYPE_CHECKING:
    from osediff.prompts.images import ImageSet


def resume(partial: Path, made_by: Mapping[str, JSON]) -> dict[str, tuple[str, float]]:
    """Return prompts and seconds by name of a stopped call with the same ``made_by``.

    ``partial`` has one JSON line for ``made_by`` and one for each image; an incomplete last line is removed.
    """
    done: dict[str, tuple[str, float]] = {}
    match read_json_lines(partial):
        case [first, *others] if first == made_by:
            for row in others:
                match row:
                    case [str(name), str(text), float(seconds)]:
                        done[name] = text, seconds
    partial.parent.mkdir(parents=True, exist_ok=True)
    rows = [made_by, *([name, *row] for name, row in done.items())]
    partial.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return done


def extract(out: Path, made_by: PromptSource, images: ImageSet, describe: Describe) -> None:
    """Write the prompts that ``describe`` gives the ``images`` to ``out``, a ``PromptFile``."""
    partial = out.with_name(f".{out.name}.partial")
    with lock(out.with_name(f".{out.name}.lock")):
        done = resume(partial, made_by.model_dump(mode="json"))
        remaining = [name for name in images.names if name not in done]
        with partial.open("a", encoding="utf-8") as file:
            pairs = zip(remaining, images.read(remaining), strict=True)
            for name, image in tqdm(pairs, initial=len(done), total=len(images.names), desc="prompts", unit="image"):
                start = time.perf_counter()
                text = describe(image)
                done[name] = text, time.perf_counter() - start
                file.write(json.dumps([name, *done[name]]) + "\n")
                file.flush()
        times = [seconds for _, seconds in done.values()]
        content = PromptFile(
            made_by=made_by,
            prompts={name: done[name][0] for name in images.names},
            seconds=statistics.median(times[1:] or times),
        )
        write_json(out, content.model_dump(mode="json"))
        partial.unlink()


def open_images(spec: ExtractionSpec, folder: Path | None, photos: PhotoList | None) -> ImageSet:
    """Return the image set of ``spec``; InputError if its folder is not given."""
    from osediff.prompts.images import FolderSet, StreamSet  # with torch, which takes seconds

    if isinstance(spec.images, StreamImages):
        if photos is None:
            raise InputError("images of kind stream need --photos DIR")
        return StreamSet(spec.images, photos)
    if folder is None:
        raise InputError("images of kind folder need --images DIR")
    return FolderSet(spec.images, folder)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file (prompts.prompt_file.ExtractionSpec)")
    names = ", ".join(sorted({name for folders in WEIGHTS.values() for name in folders}))
    parser.add_argument("--weights", nargs="+", default=[], metavar="NAME=DIR", help=f"folders of weights: {names}")
    parser.add_argument("--images", type=Path, help="folder of images (8-bit RGB), of kind folder")
    parser.add_argument("--photos", type=Path, help="folder with the training photographs, of kind stream")
    parser.add_argument("--photo-list", type=Path, help="their list, by osediff.data.photo_list; null: made now")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    spec = read(args.spec, ExtractionSpec)
    folders = parse_folders(spec.extractor, args.weights)
    print(f"extracting prompts with {spec.extractor} into {args.out}", file=sys.stderr, flush=True)
    check_device(spec.device)
    images = open_images(spec, args.images, open_photos(args.photos, args.photo_list) if args.photos else None)
    made_by = PromptSource(
        extractor=spec.extractor,
        weights=hash_weights(spec.extractor, folders),
        precision=spec.precision,
        device=spec.device,
        images=images.source,
    )
    extract(args.out, made_by, images, load_extractor(spec.extractor, folders, spec.device, spec.precision == "fp16"))


if __name__ == "__main__":
    run(main)
