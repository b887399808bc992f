"""Provide published SR images: fetch them, or take them from a given folder, and check the sha256 of every image.

    python -m benchmark.data.fetched_images --spec FILE.yaml (--out DIR | --given DIR) [--offline] --record run.json

The record is written last. It has the source of the images and the sha256 of every image. If no images of a test set
were published, the record says so, and the cells of the method stay empty. A given folder is never changed.
"""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from benchmark.data.settings import FetchedImages
from osediff.common.artifacts.fetching import Fetching, by_hand, obtain
from osediff.common.artifacts.model import Artifact
from osediff.common.artifacts.offline import add_offline_option
from osediff.common.artifacts.record import check_file
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import write_json
from osediff.common.restore_folder import write_failure
from osediff.common.settings import read


def check_given(artifact: Artifact, folder: Path) -> dict[str, str]:
    """Return the sha256 of every image of ``artifact`` in ``folder``, by name.

    InputError for the first image that is missing or not the published file.
    """
    digests = {}
    for name, file in tqdm(artifact.contents.items(), desc=f"checking {folder}", unit="image"):
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: no such file; {by_hand(artifact, name, path)}, or leave the folder out of paths")
        digests[name] = check_file(path, file).sha256
    return digests


def provide(spec: FetchedImages, folder: Path, given: bool, how: Fetching, record: Path) -> None:
    """Fetch the images of ``spec`` into ``folder``, or check them there if it is ``given``, and write ``record``.

    InputError for the first image that is missing or not the published file.
    """
    record.unlink(missing_ok=True)
    provenance = {"method": spec.method, "test_set": spec.test_set}
    if spec.images is None:
        write_failure(record, provenance, f"no images of {spec.test_set} were published", [])
        return
    if given:
        digests = check_given(spec.images, folder)
    else:
        digests = {name: entry.sha256 for name, entry in obtain(spec.images, how, folder=folder).items()}
    source = spec.images.mirrors[0].address("") if spec.images.mirrors else spec.images.manual_source
    images = {Path(name).stem: {"sr": digest} for name, digest in digests.items()}
    write_json(record, {**provenance, "source": source, "license": spec.images.license, "images": images}, durable=True)
    print(f"{spec.method} on {spec.test_set}: {len(images)} images, every sha256 as published")


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.data.fetched_images", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML: method, test_set, images (an artifact)")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--out", type=Path, help="folder to fetch the images into")
    place.add_argument("--given", type=Path, help="folder that has them already; it is only read")
    add_offline_option(parser)
    parser.add_argument("--record", type=Path, required=True, help="JSON record to write")
    args = parser.parse_args()
    spec, how = read(args.spec, FetchedImages), Fetching(offline=args.offline)
    provide(spec, args.given or args.out, args.given is not None, how, args.record)


if __name__ == "__main__":
    run(main)
