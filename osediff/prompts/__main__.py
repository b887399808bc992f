"""Extracts the prompts of an image set once: a folder of images in, ``prompts.json`` out.

    python -m osediff.prompts --extractor dape --input LR --enlarge 4 --out prompts.json --ram ram_swin_large_14m.pth \
        --dape DAPE.pth --tags ram_tag_list.txt --thresholds ram_tag_list_threshold.txt

For restoration: DAPE on LR images that are enlarged first. For training: RAM on the photographs as they are, one prompt
for each (the released code tags each crop anew inside its training loop; here prompts are data).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from contracts.errors import InputError, run
from contracts.files import lock, read_json, sha256, write_json
from contracts.images import list_images, read_rgb
from osediff.prompts import ram

SAVE_EVERY = 20  # images
LISTS = ["tags", "thresholds"]
# Files that an extractor reads, by the option that names each.
FILES: dict[str, list[str]] = {"null": [], "ram": ["ram", *LISTS], "dape": ["ram", "dape", *LISTS]}


def tagger(args: argparse.Namespace) -> ram.Tagger | None:
    """The extractor that ``args`` name; None for null. InputError for a file that is not given."""
    missing = [f"--{name}" for name in FILES[args.extractor] if getattr(args, name) is None]
    if missing:
        raise InputError(f"extractor {args.extractor} needs {', '.join(missing)}")
    if args.extractor == "null":
        return None
    lists = ram.read_lists(args.tags, args.thresholds)
    model = ram.load(args.ram, args.dape if args.extractor == "dape" else None)
    return ram.Tagger(model.half() if args.half else model, *lists, args.device)


def made_by(args: argparse.Namespace) -> dict[str, Any]:
    """What decides the prompts besides the images."""
    return {
        "extractor": args.extractor,
        "weights": {name: sha256(getattr(args, name)) for name in FILES[args.extractor]},
        "enlarge": args.enlarge,
        "smallest_side": args.smallest_side,
        "precision": "fp16" if args.half else "fp32",
    }


def enlarged(image: np.ndarray, factor: int, smallest_side: int) -> np.ndarray:
    """``image`` ``factor`` times as large (PIL's default filter), more where its smaller side stays below the given."""
    if factor == 1:
        return image
    height, width = (extent * factor for extent in image.shape[:2])
    zoom = max(1.0, smallest_side / min(height, width))
    return np.asarray(Image.fromarray(image).resize((round(width * zoom), round(height * zoom))))


def extract(source: Path, out: Path, tag: ram.Tagger | None, settings: dict[str, Any]) -> None:
    """Writes the prompts of the images in ``source`` to ``out``; a killed call goes on with the images left.

    ``prompts``: text by stem. ``seconds``: of each image, reading left out; None for images without an extractor.
    """
    images, partial = list_images(source), out.with_name(f".{out.name}.partial")
    with lock(out.with_name(f".{out.name}.lock")):
        inputs = {stem: sha256(path) for stem, path in images.items()}
        before = read_json(partial) if partial.exists() else {}
        rows: dict[str, Any] = before.get("rows", {}) if before.get("made_by") == settings else {}
        rows = {stem: row for stem, row in rows.items() if row["image"] == inputs.get(stem)}
        for n, (stem, path) in enumerate(tqdm(images.items(), desc="prompts", unit="image"), start=1):
            if stem in rows:
                continue
            pixels, text, seconds = read_rgb(path), "", None
            if tag:
                start = time.perf_counter()
                large = enlarged(pixels, settings["enlarge"], settings["smallest_side"])
                text = tag(torch.tensor(large).permute(2, 0, 1).float() / 255)
                seconds = time.perf_counter() - start
            rows[stem] = {"image": inputs[stem], "prompt": text, "seconds": seconds}
            if n % SAVE_EVERY == 0:
                write_json(partial, {"made_by": settings, "rows": rows})
        write_json(
            out,
            {
                "made_by": settings,
                "prompts": {stem: rows[stem]["prompt"] for stem in images},
                "seconds": {stem: rows[stem]["seconds"] for stem in images},
                "images": inputs,
            },
        )
        partial.unlink(missing_ok=True)


def main() -> None:
    """Command line: images in, prompts out."""
    parser = argparse.ArgumentParser(prog="osediff.prompts", description=main.__doc__)
    parser.add_argument("--extractor", choices=list(FILES), required=True)
    parser.add_argument("--input", type=Path, required=True, help="folder of images (8-bit RGB)")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--enlarge", type=int, default=1, help="1: images as they are (HQ); 4: LR images")
    parser.add_argument("--smallest-side", type=int, default=512, help="of an enlarged image, as in restoration")
    parser.add_argument("--ram", type=Path, default=None, help="ram_swin_large_14m.pth")
    parser.add_argument("--dape", type=Path, default=None, help="DAPE.pth")
    parser.add_argument("--tags", type=Path, default=None, help="ram_tag_list.txt")
    parser.add_argument("--thresholds", type=Path, default=None, help="ram_tag_list_threshold.txt")
    parser.add_argument("--half", action="store_true", help="the network in fp16")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    if args.enlarge < 1:
        raise InputError(f"--enlarge {args.enlarge}: must be one or more")
    extract(args.input, args.out, tagger(args), made_by(args))


if __name__ == "__main__":
    run(main)
