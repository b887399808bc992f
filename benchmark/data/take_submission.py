"""Take up the results that another person measured: a submission, which ``python -m benchmark.report export`` makes.

    python -m benchmark.data.take_submission --submission PATH --method NAME --test-set NAME --spec FILE.yaml
        --manifest manifest.json --images DIR --out FILE.csv

The rows become an evaluation file of this run. They are refused, by name, if a metric was measured by another protocol
or computed in another way, or if the images of the test set are not those of this run. A metric or a test set that the
submission does not have stays empty, and the note says so.
"""

from __future__ import annotations

import csv
from pathlib import Path

from benchmark.data.submission import MANIFEST, Submission, definition, opened
from benchmark.data.testsets import Manifest
from benchmark.evaluation.results import COLUMNS, read_csv
from benchmark.metrics.registry import Selection
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import atomic, read_json
from osediff.common.images import list_images, read_rgb, write_png
from osediff.common.settings import parse, read


def check(submission: Submission, selection: Selection, test_set: str, manifest: Manifest, where: str) -> None:
    """Check that a submission compares with this run: its protocols and its images; InputError names what differs."""
    for name, measured in submission.metrics.items():
        if name not in selection.metrics:
            continue
        if measured.protocol != selection.protocols[name]:
            wanted = f"{measured.protocol}, and this run measures by {selection.protocols[name]}"
            raise InputError(f"{where}: {name} was measured by {wanted}; measure it again by that protocol")
        if measured.definition != definition(selection, name):
            raise InputError(f"{where}: {name} was computed in another way, or by another version of its library")
    theirs = submission.test_sets[test_set]
    for image in sorted({*manifest.images, *theirs}):
        if image not in theirs or image not in manifest.images:
            owner = "this run" if image not in theirs else "the submission"
            raise InputError(f"{where}: only {owner} has the image {image} of {test_set}; measure the same images")
        mine = manifest.images[image]
        if (mine.lr_sha256, mine.hr_sha256) != (theirs[image].lr_sha256, theirs[image].hr_sha256):
            raise InputError(f"{where}: {image} of {test_set} is another image there; measure on the same test set")


def absent_rows(selection: Selection, names: list[str], note: str) -> list[list[str]]:
    """Make a row without a value for each of the metrics ``names``: image, metric, value, protocol, note."""
    return [["", name, "", selection.protocols[name], note] for name in names]


def take(folder: Path, selection: Selection, test_set: str, manifest: Manifest, where: str) -> list[list[str]]:
    """Return the rows of a submission on a test set: image, metric, value, protocol, note."""
    submission = read(folder / MANIFEST, Submission)
    if test_set not in submission.test_sets:
        return absent_rows(selection, list(selection.metrics), f"the submission does not have {test_set}")
    check(submission, selection, test_set, manifest, where)
    rows = []
    for place, cells in read_csv(folder / "rows" / f"{test_set}.csv", COLUMNS, "the rows of a submission"):
        row = dict(zip(COLUMNS, cells, strict=True))
        if row["metric"] not in selection.metrics:
            continue
        if row["protocol"] != selection.protocols[row["metric"]] or row["image"] not in {"", *manifest.images}:
            raise InputError(f"{where}: {place}: its protocol or image is not that of {MANIFEST}; export it again")
        rows.append([row[column] for column in COLUMNS[2:]])
    given = {row[1] for row in rows}
    lacking = [name for name in selection.metrics if name not in given]
    return rows + absent_rows(selection, lacking, "not in the submission")


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.data.take_submission", __doc__)
    parser.add_argument("--submission", type=Path, required=True, help="folder or zip file")
    parser.add_argument("--method", required=True, help="name of the method in this run")
    parser.add_argument("--test-set", required=True)
    parser.add_argument("--spec", type=Path, required=True, help="YAML of the metrics, as for an evaluation")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.json of the test set")
    parser.add_argument("--images", type=Path, required=True, help="folder for the submitted SR images")
    parser.add_argument("--out", type=Path, required=True, help="CSV file to write")
    args = parser.parse_args()
    selection = read(args.spec, Selection)
    manifest = parse(read_json(args.manifest), Manifest, str(args.manifest))
    with opened(args.submission) as folder:
        rows = take(folder, selection, args.test_set, manifest, str(args.submission))
        images = folder / "images" / args.test_set
        for stem, path in (list_images(images) if images.is_dir() else {}).items():
            write_png(args.images / f"{stem}.png", read_rgb(path))
    with atomic(args.out) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([args.method, args.test_set, *row] for row in rows)


if __name__ == "__main__":
    run(main)
