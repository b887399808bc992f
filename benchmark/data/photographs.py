"""Prepare photographs for training, from the scikit-image wheel and from downloads, as 8-bit RGB PNG.

    python -m benchmark.data.photographs --spec FILE.yaml --out data/photos/NAME [--offline]

The spec is an entry of config/photos.yaml, with ``local``: a folder that has the downloads already. manifest.json
beside the images has title, license, and for each photograph its size (width, height), the sha256 of its PNG and its
source.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from benchmark.data.settings import PhotoSet, PhotoSetSpec
from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.offline import add_offline_option
from osediff.common.errors import InputError, run
from osediff.common.files import lock, sha256, write_json
from osediff.common.images import list_images, read_photo, write_png
from osediff.common.settings import Settings, read


class Photograph(Settings):
    """The manifest's entry of a photograph: (width, height), sha256 of its PNG, and its source."""

    size: tuple[int, int]
    sha256: str
    source: str


class PhotoManifest(Settings):
    """The content of manifest.json."""

    title: str
    license: str
    photos: dict[str, Photograph]


def skimage_photo(name: str) -> Path:
    """Return the path of the picture ``name`` inside the installed scikit-image wheel."""
    # Only found, not imported: the import takes longer than all the copying.
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        raise InputError("scikit-image is not installed; its wheel holds the photographs: pip install scikit-image")
    path = Path(package.origin).parent / "data" / name
    if not path.is_file():
        raise InputError(f"{path}: the installed scikit-image has no such picture; install the pinned version")
    return path


def sources(spec: PhotoSet, how: Fetching, root: Path) -> Iterator[tuple[Path, str]]:
    """Return file and source of every photograph of ``spec``; missing ones are downloaded to ``root``."""
    for name in spec.skimage:
        yield skimage_photo(name), f"scikit-image {importlib.metadata.version('scikit-image')}, skimage/data/{name}"
    if spec.repository:
        for path in list_images(Path(spec.repository)).values():
            yield path, f"{spec.repository}/{path.name}"
    for artifact in spec.download:
        obtain(artifact, how, root)
        revision = next((mirror.revision for mirror in artifact.mirrors), "")
        for name in artifact.contents:
            yield root / artifact.folder / name, f"{artifact.title} {revision}, {name}"


def prepare(spec: PhotoSet, out: Path, how: Fetching, root: Path = Path()) -> None:
    """Write the photographs of ``spec`` and manifest.json into ``out``; other PNGs in it are removed."""
    if spec.manual_source:
        raise InputError(f"{out}: no rule makes these photographs; get {spec.manual_source}, and put them there as PNG")
    photos: dict[str, Photograph] = {}
    for path, source in sources(spec, how, root):
        if path.stem in photos:
            raise InputError(f"{path.name}: two photographs of the set are named {path.stem}; rename or leave out one")
        pixels, target = read_photo(path), out / f"{path.stem}.png"
        write_png(target, pixels)
        size = (pixels.shape[1], pixels.shape[0])
        photos[path.stem] = Photograph(size=size, sha256=sha256(target), source=source)
    for path in out.glob("*.png"):
        if path.stem not in photos:
            path.unlink()
    content = PhotoManifest(title=spec.title, license=spec.license, photos=photos)
    write_json(out / "manifest.json", content.model_dump(mode="json"), durable=True)


def main() -> None:
    """Prepare one set of photographs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file of the set's entry")
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNGs and manifest.json")
    add_offline_option(parser)
    args = parser.parse_args()
    spec = read(args.spec, PhotoSetSpec)
    with lock(args.out / ".lock"):
        prepare(spec, args.out, Fetching(offline=args.offline, local=Path(spec.local) if spec.local else None))


if __name__ == "__main__":
    run(main)
