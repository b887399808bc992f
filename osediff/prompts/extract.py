"""Extracts the prompts of an image set once: images in, ``prompts.json`` out.

    python -m osediff.prompts --extractor dape --weights ram=DIR ram-tags=DIR dape=DIR --images LR --enlarge 4 --out F
    python -m osediff.prompts --extractor ram --weights ram=DIR ram-tags=DIR --stream RECIPE --photos DIR --image hq ..

An image set is a folder (a test set's LR images, enlarged as in restoration), or the stream of training pairs of a
recipe and a seed: what the released code tags anew in every step of its loop is tagged once here, crop by crop, and
serves every variant that is trained on that stream. A stopped call goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.files import lock, sha256, write_json
from osediff.common.images import list_images, read_rgb
from osediff.data.pairs import TrainingPairs
from osediff.prompts import names_of_stream, ram, stream
from osediff.prompts.llava import Captioner
from osediff.training import checkpoint as checkpoints
from osediff.training import validation

# Folders of weights that an extractor reads, and the files of each that decide its prompts.
WEIGHTS = {
    "ram": {"ram": ["ram_swin_large_14m.pth"], "ram-tags": ["ram_tag_list.txt", "ram_tag_list_threshold.txt"]},
    "llava": {"llava": ["config.json", "model.safetensors.index.json"]},
}
WEIGHTS["dape"] = WEIGHTS["ram"] | {"dape": ["DAPE.pth"]}
Describe = Callable[[Tensor], str]


def extractor(name: str, folders: dict[str, Path], device: str, half: bool) -> Describe:
    """What describes an image (3, H, W) in [0, 1] in words."""
    if name == "llava":
        return Captioner(folders["llava"], device, torch.float16 if half else torch.float32)
    lists = ram.read_lists(*(folders["ram-tags"] / file for file in WEIGHTS["ram"]["ram-tags"]))
    dape = folders["dape"] / "DAPE.pth" if name == "dape" else None
    model = ram.load(folders["ram"] / "ram_swin_large_14m.pth", dape)
    return ram.Tagger(model.half() if half else model, *lists, device)


def enlarged(image: np.ndarray, factor: int, smallest_side: int) -> np.ndarray:
    """``image`` ``factor`` times as large (PIL's default filter), more where its smaller side stays below the given."""
    if factor == 1:
        return image
    height, width = (extent * factor for extent in image.shape[:2])
    zoom = max(1.0, smallest_side / min(height, width))
    return np.asarray(Image.fromarray(image).resize((round(width * zoom), round(height * zoom))))


def of_folder(images: dict[str, Path], factor: int, smallest_side: int, wanted: list[str]) -> Iterator[Tensor]:
    """The ``wanted`` of ``images``, one by one, (3, H, W) in [0, 1]."""
    for stem in wanted:
        large = enlarged(read_rgb(images[stem]), factor, smallest_side)
        yield torch.tensor(large).permute(2, 0, 1).float() / 255


def of_stream(args: argparse.Namespace, recipe: dict[str, Any], wanted: list[str]) -> Iterator[Tensor]:
    """The ``wanted`` of the stream's crops, one by one, (3, crop, crop) in [0, 1]."""
    part = {"lq": 0, "hq": 1}[args.image]
    order: dict[bool, list[int]] = {True: [], False: []}
    for name in wanted:
        order[name.startswith("validation-")].append(int(name.removeprefix("validation-")))
    for held_out, numbers in ((False, order[False]), (True, order[True])):  # the order of names_of_stream
        seed, length = (
            (validation.SEED, validation.PAIRS) if held_out else (args.seed, recipe["steps"] * recipe["batch"])
        )
        pairs = TrainingPairs(args.photos, recipe, seed, length)
        for pair in DataLoader(pairs, batch_size=None, sampler=numbers, num_workers=args.workers):
            yield pair[part] / 2 + 0.5


def resumed(partial: Path, settings: dict[str, Any]) -> dict[str, tuple[str, float]]:
    """Prompts and seconds by name that a stopped call with the same settings left; ``partial`` is cut to those."""
    lines = partial.read_text("utf-8").splitlines() if partial.exists() else []
    done: dict[str, tuple[str, float]] = {}
    try:
        if lines and json.loads(lines[0]) == settings:
            for line in lines[1:]:
                name, text, seconds = json.loads(line)
                done[name] = text, seconds
    except json.JSONDecodeError:
        pass  # the line that it was killed in
    partial.parent.mkdir(parents=True, exist_ok=True)
    kept = [settings, *([name, *row] for name, row in done.items())]
    partial.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")
    return done


def extract(
    out: Path,
    settings: dict[str, Any],
    names: list[str],
    pictures: Callable[[list[str]], Iterator[Tensor]],
    describe: Describe,
) -> None:
    """Writes the prompts of ``names`` to ``out``; ``pictures`` gives the images of those that are asked for.

    ``prompts``: text by name. ``seconds``: median time of one image, reading and the first image left out.
    """
    partial = out.with_name(f".{out.name}.partial")
    with lock(out.with_name(f".{out.name}.lock")):
        done = resumed(partial, settings)
        wanted = [name for name in names if name not in done]
        with partial.open("a", encoding="utf-8") as file:
            bar = tqdm(zip(wanted, pictures(wanted), strict=True), initial=len(done), total=len(names), desc="prompts")
            for name, image in bar:
                start = time.perf_counter()
                text = describe(image)
                done[name] = text, time.perf_counter() - start
                file.write(json.dumps([name, *done[name]]) + "\n")
                file.flush()
        times = [seconds for _, seconds in done.values()]
        median = statistics.median(times[1:] or times)
        write_json(out, {"made_by": settings, "prompts": {n: done[n][0] for n in names}, "seconds": median})
        partial.unlink()


def folders_of(name: str, given: list[str]) -> dict[str, Path]:
    """Folders by weights; InputError where one that the extractor reads, or a file in it, is missing."""
    folders = {key: Path(value) for key, _, value in (pair.partition("=") for pair in given)}
    for weights, files in WEIGHTS[name].items():
        if weights not in folders:
            raise InputError(f"extractor {name} needs --weights {weights}=DIR")
        absent = [file for file in files if not (folders[weights] / file).is_file()]
        if absent:
            raise InputError(f"{folders[weights]}: lacks {', '.join(absent)}; see config/prompts.yaml, {weights}")
    return folders


def main() -> None:
    """Command line: images in, prompts out."""
    parser = argparse.ArgumentParser(prog="osediff.prompts", description=main.__doc__)
    parser.add_argument("--extractor", choices=sorted(WEIGHTS), required=True)
    parser.add_argument("--weights", nargs="+", default=[], metavar="NAME=DIR", help="folders of config/prompts.yaml")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", type=Path, help="folder of images (8-bit RGB)")
    source.add_argument("--stream", help="training recipe, as JSON or the name of a JSON file")
    parser.add_argument("--enlarge", type=int, default=1, help="of --images: 1 as they are, 4 for LR images")
    parser.add_argument("--smallest-side", type=int, default=512, help="of an enlarged image, as in restoration")
    parser.add_argument("--photos", type=Path, help="of --stream: folder of training photographs")
    parser.add_argument("--seed", type=int, default=0, help="of --stream: the training's")
    parser.add_argument("--image", choices=["lq", "hq"], default="lq", help="of --stream: which of a pair is looked at")
    parser.add_argument("--workers", type=int, default=0, help="of --stream: processes that degrade photographs")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--half", action="store_true", help="the network in fp16")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    check_device(args.device)
    folders = folders_of(args.extractor, args.weights)
    found = {key: sorted({*files, *(path.name for path in folders[key].glob("*.safetensors"))})
             for key, files in WEIGHTS[args.extractor].items()}  # fmt: skip
    digests = {f"{key}/{file}": sha256(folders[key] / file) for key, files in found.items() for file in files}
    settings: dict[str, Any] = {"extractor": args.extractor, "weights": digests}
    settings |= {"precision": "fp16" if args.half else "fp32", "device": args.device}
    if args.stream:
        if args.photos is None:
            raise InputError("--stream needs --photos")
        recipe = checkpoints.read_recipe(args.stream)
        names = names_of_stream(recipe["steps"] * recipe["batch"], validation.PAIRS)
        settings |= {"stream": stream(recipe, args.seed, checkpoints.folder_hash(args.photos)), "image": args.image}

        def pictures(wanted: list[str]) -> Iterator[Tensor]:
            return of_stream(args, recipe, wanted)

    else:
        if args.enlarge < 1:
            raise InputError(f"--enlarge {args.enlarge}: must be one or more")
        images = list_images(args.images)
        names = list(images)
        settings |= {"enlarge": args.enlarge, "smallest_side": args.smallest_side}
        settings["images"] = {stem: sha256(path) for stem, path in images.items()}

        def pictures(wanted: list[str]) -> Iterator[Tensor]:
            return of_folder(images, args.enlarge, args.smallest_side, wanted)

    describe = extractor(args.extractor, folders, args.device, args.half)
    extract(args.out, settings, names, pictures, describe)


if __name__ == "__main__":
    run(main)
