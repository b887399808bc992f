"""Test sets: cutting the demo's HR images from photographs, and the manifest that every test set gets.

    python -m benchmark.data.testsets cut --spec FILE.yaml --out data/testsets/NAME/HR
    python -m benchmark.data.testsets manifest --spec FILE.yaml --lr DIR --hr DIR --out manifest.json
    python -m benchmark.data.testsets manifest --spec FILE.yaml --lr DIR --out manifest.json   a set without HR images
    python -m benchmark.data.testsets list --lr DIR --hr DIR --out config/testsets/NAME.csv

The spec of a cut is ``cut`` of an entry of config/testsets.yaml (``benchmark.data.settings.Cut``). The spec of a
manifest describes the test set (``TestSetCheck``). Photographs are from this repository or from the scikit-image wheel;
crops are named after their photograph: chelsea-0, chelsea-1 ...

A manifest proves that the pairs fit: every LR image has its HR image, all are 8-bit RGB, and each HR image is exactly
``scale_factor`` times larger. It has the number of pairs, and for each pair both sizes (width, height) and both sha256.

The checksums of every image of a published test set may be given (``list`` writes that file: part, name, bytes, sha256
of the file and of its pixels). Then another crop, or another version, is refused by the name of the first image that
differs; the same pixels in another file are the same image. If the registry says how to fetch a test set, missing
images are fetched first; existing images are never replaced.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmark.data.checksums import check, checksums_csv, read
from benchmark.data.photographs import skimage_photo
from benchmark.data.settings import Cut, TestSetCheck
from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import Artifact
from osediff.common.artifacts.offline import add_offline_option
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import sha256, write_json, write_text
from osediff.common.images import list_images, pairs, read_photo, read_rgb, write_png
from osediff.common.settings import Settings
from osediff.common.settings import read as read_settings

Size = tuple[int, int]


class Pair(Settings):
    """The manifest's entry of an image: (width, height) and sha256 of its LR file and, if there is one, its HR file."""

    lr: Size
    hr: Size | None = None
    lr_sha256: str
    hr_sha256: str | None = None


class Manifest(Settings):
    """The content of a test set's manifest.json."""

    name: str
    scale_factor: int
    count: int
    verified: Literal["every image", "number and sizes"]
    images: dict[str, Pair]


def cut(spec: Cut, out: Path) -> None:
    """Write every crop of ``spec`` to ``out`` as PNG; InputError for a crop that is not within its photograph."""
    size, taken = spec.size, Counter[str]()
    for crop in spec.crops:
        photo = read_photo(Path(crop.photo) if "/" in crop.photo else skimage_photo(crop.photo))
        left, top = crop.left, crop.top
        if left + size > photo.shape[1] or top + size > photo.shape[0]:
            whole = f"{photo.shape[1]}x{photo.shape[0]}"
            raise InputError(f"a crop of {size}x{size} at {left},{top} does not lie within {crop.photo}, {whole}")
        stem = Path(crop.photo).stem
        write_png(out / f"{stem}-{taken[stem]}.png", photo[top : top + size, left : left + size])
        taken[stem] += 1


def manifest(spec: TestSetCheck, lr: Path, hr: Path | None) -> Manifest:
    """Check the images of a test set and return its manifest.

    Args:
        spec: the properties that the test set must have.
        lr: folder of LR images.
        hr: folder of HR images; None: there are none.

    Raises:
        InputError: naming the first image that breaks the rules above.
    """
    matched = pairs(lr, hr) if hr else [(stem, path, None) for stem, path in list_images(lr).items()]
    if spec.images is not None and len(matched) != spec.images:
        raise InputError(f"{lr}: holds {len(matched)} images, {spec.name} has {spec.images}; get the test set anew")
    checksums = read(Path(spec.checksums)) if spec.checksums else None

    def size_of(path: Path, part: Literal["LR", "HR"]) -> Size:
        image = read_rgb(path)
        if checksums is not None:
            check(spec.name, checksums, part, path, image)
        return image.shape[1], image.shape[0]

    entries = {}
    for stem, lr_path, hr_path in tqdm(matched, desc=f"checking {spec.name}", unit="image"):
        width, height = size_of(lr_path, "LR")
        if spec.lr_sizes is not None and (width, height) not in spec.lr_sizes:
            allowed = " or ".join("{}x{}".format(*size) for size in spec.lr_sizes)
            raise InputError(f"{lr_path}: is {width}x{height}, {spec.name} has {allowed}")
        entry = Pair(lr=(width, height), lr_sha256=sha256(lr_path))
        if hr_path:
            factor, hr_size = spec.scale_factor, size_of(hr_path, "HR")
            if hr_size != (width * factor, height * factor):
                wanted = f"{width * factor}x{height * factor}"
                raise InputError(f"{hr_path}: is {hr_size[0]}x{hr_size[1]}, {factor} times its LR image is {wanted}")
            entry = entry.model_copy(update={"hr": hr_size, "hr_sha256": sha256(hr_path)})
        entries[stem] = entry
    return Manifest(
        name=spec.name,
        scale_factor=spec.scale_factor,
        count=len(entries),
        verified="number and sizes" if checksums is None else "every image",
        images=entries,
    )


def write_as_rgb(source: Path, target: Path) -> None:
    """Write each image of ``source`` to ``target`` as 8-bit RGB PNG; gray is repeated, transparency left out."""
    for stem, path in list_images(source).items():
        with Image.open(path) as image:
            write_png(target / f"{stem}.png", np.asarray(image.convert("RGB")))


def fetch_missing(artifact: Artifact, folder: Path, how: Fetching) -> None:
    """Fetch the missing images of a test set into ``folder``/LR and /HR.

    Existing images are not replaced. They are checked by their pixels, since another file of the same image is as good.
    """
    missing = {name: file for name, file in artifact.contents.items() if not (folder / name).exists()}
    if missing or artifact.unpack:
        files = artifact.contents if artifact.unpack else missing
        obtain(artifact.model_copy(update={"files": files}), how, folder=folder)


def main() -> None:
    """Cut, check or list the images of a test set."""
    parser = make_parser("benchmark.data.testsets", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    cutting = commands.add_parser("cut", help="HR images from photographs")
    cutting.add_argument("--spec", type=Path, required=True, help="YAML file: size and crops")
    cutting.add_argument("--out", type=Path, required=True, help="folder for the HR images")
    checking = commands.add_parser("manifest", help="check LR/HR pairs and list them")
    checking.add_argument("--spec", type=Path, required=True, help="YAML file that describes the test set")
    add_offline_option(checking)
    checking.add_argument("--out", type=Path, required=True, help="JSON file to write")
    listing = commands.add_parser("list", help="write the checksums of every image of a test set, as a CSV file")
    for command in (checking, listing):
        command.add_argument("--lr", type=Path, required=True)
        command.add_argument("--hr", type=Path, required=command is listing, help="needed where the test set has HR")
    listing.add_argument("--out", type=Path, required=True, help="CSV file to write")
    args = parser.parse_args()
    if args.command == "cut":
        cut(read_settings(args.spec, Cut), args.out)
        return
    if args.command == "list":
        write_text(args.out, checksums_csv({"LR": args.lr, "HR": args.hr}))
        return
    spec = read_settings(args.spec, TestSetCheck)
    if spec.reference and args.hr is None:
        raise InputError(f"{spec.name} has HR images; name their folder by --hr")
    how = Fetching(offline=args.offline)
    if spec.download and spec.reference:
        fetch_missing(spec.download, args.lr.parent, how)
    elif spec.download:
        original = args.lr.parent / "original"
        obtain(spec.download, how, folder=original)
        write_as_rgb(original, args.lr)
    content = manifest(spec, args.lr, args.hr if spec.reference else None)
    print(f"{spec.name}: {content.count} {'pairs' if spec.reference else 'images'}, checked: {content.verified}")
    write_json(args.out, content.model_dump(mode="json", exclude_none=True), durable=True)


if __name__ == "__main__":
    run(main)
