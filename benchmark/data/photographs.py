"""Photographs to train on: those inside the scikit-image wheel and downloaded ones, as 8-bit RGB PNG.

    python -m benchmark.data.photographs --spec JSON --out data/photos/NAME [--local DIR] [--offline]

The specification is an entry of config/photos.yaml. Beside the images stands manifest.json: title, license, and for
each photograph its size (width, height), the sha256 of its PNG and where it is from.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import parse
from osediff.common.errors import InputError, run
from osediff.common.files import lock, sha256, write_json
from osediff.common.images import write_png

Spec = dict[str, Any]


def skimage_photo(name: str) -> Path:
    """Path of the picture ``name`` inside the installed scikit-image wheel."""
    # Only found, not imported: the import takes longer than all the copying.
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        raise InputError("scikit-image is not installed; its wheel holds the photographs: pip install scikit-image")
    path = Path(package.origin).parent / "data" / name
    if not path.is_file():
        raise InputError(f"{path}: the installed scikit-image has no such picture; install the pinned version")
    return path


def as_rgb(path: Path) -> np.ndarray:
    """The picture at ``path`` as uint8 (H, W, 3); gray becomes three equal channels, other kinds are refused."""
    try:
        with Image.open(path) as image:
            if image.mode not in ("RGB", "L"):
                raise InputError(f"{path}: is {image.mode}, needed is an 8-bit RGB or gray photograph")
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(f"{path}: cannot be read as an image ({error}); get it again") from error


def sources(spec: Spec, how: Fetching, root: Path) -> Iterator[tuple[Path, str]]:
    """(file, where it is from) of every photograph of ``spec``; what is not at hand is downloaded to ``root``."""
    for name in spec.get("skimage", []):
        yield skimage_photo(name), f"scikit-image {importlib.metadata.version('scikit-image')}, skimage/data/{name}"
    if "download" in spec:
        artifact = parse(spec["download"], "download")
        obtain(artifact, how, root)
        revision = next((mirror.revision for mirror in artifact.mirrors), "")
        for name in artifact.contents:
            yield root / artifact.folder / name, f"{artifact.title} {revision}, {name}"


def prepare(spec: Spec, out: Path, how: Fetching, root: Path = Path()) -> None:
    """Fills ``out`` with the photographs of ``spec`` and manifest.json; PNGs that are not of the set are removed."""
    if "manual_source" in spec:
        raise InputError(
            f"{out}: no rule makes these photographs; get {spec['manual_source']}, and put them there as PNG"
        )
    photos: dict[str, dict[str, Any]] = {}
    for path, source in sources(spec, how, root):
        if path.stem in photos:
            raise InputError(f"{path.name}: two photographs of the set are named {path.stem}; rename or leave out one")
        pixels, target = as_rgb(path), out / f"{path.stem}.png"
        write_png(target, pixels)
        photos[path.stem] = {"size": [pixels.shape[1], pixels.shape[0]], "sha256": sha256(target), "source": source}
    for path in out.glob("*.png"):
        if path.stem not in photos:
            path.unlink()
    write_json(out / "manifest.json", {"title": spec["title"], "license": spec["license"], "photos": photos})


def main() -> None:
    """Command line: prepares one set of photographs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: the set's entry of config/photos.yaml")
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNGs and manifest.json")
    parser.add_argument("--local", type=Path, help="folder that has the set's downloads already; they are verified")
    parser.add_argument("--offline", action="store_true", help="stop instead of downloading")
    args = parser.parse_args()
    with lock(args.out / ".lock"):
        prepare(args.spec, args.out, Fetching(offline=args.offline, local=args.local))


if __name__ == "__main__":
    run(main)
