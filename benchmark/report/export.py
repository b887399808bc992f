"""Export one method's results, so that another person's run can take them up as a method of kind ``results``.

    python -m benchmark.report export --spec FILE.yaml --rows FILE.csv ... --method NAME --out NAME.zip

The folder or zip file has submission.yaml (protocol, environment, commit, sha256 of the images of the test sets), the
measured rows, the records of the restorations, and the SR images on which the methods differ most.
"""

from __future__ import annotations

import argparse
import csv
import platform
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmark.data.submission import MANIFEST, Measured, Submission, SubmittedImage, definition
from benchmark.data.testsets import Manifest
from benchmark.evaluation import results
from benchmark.metrics.registry import MetricRegistry, read_registry
from benchmark.report.images import chosen_images
from benchmark.report.overview import commit
from benchmark.report.specs import ReportSpec
from osediff.common import settings
from osediff.common.errors import InputError
from osediff.common.files import read_json
from osediff.common.images import list_images
from osediff.common.validation import check_name

LIBRARIES = ("numpy", "pillow", "torch", "pyiqa", "clean-fid", "diffusers", "transformers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``export``."""
    parser.add_argument("--spec", type=Path, required=True, help="YAML: runs/PRESET/specs/report.yaml")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"), help="the metrics")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="CSV files of evaluations, of all methods")
    parser.add_argument("--method", required=True, help="name of the method to export")
    parser.add_argument("--images", type=int, default=3, help="SR images of each test set (default 3)")
    parser.add_argument("--out", type=Path, required=True, help="folder, or file that ends in .zip; must not exist")


def export(args: argparse.Namespace) -> None:
    """Write the submission; InputError if the method is not in the run, or ``--out`` exists."""
    spec = settings.read(args.spec, ReportSpec)
    check_name("method", args.method, spec.comparison.methods, str(args.spec))
    if args.out.exists():
        raise InputError(f"{args.out}: exists already; name another file, or remove it")
    if args.images < 0:
        raise InputError("--images must be 0 or more")
    registry = read_registry(args.registry, spec.protocol)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "submission")
        test_sets = write_rows(args.rows, args.method, folder)
        write_files(spec, registry, args, folder, test_sets)
        settings.write(folder / MANIFEST, describe(spec, registry, args.method, test_sets))
        args.out.parent.mkdir(parents=True, exist_ok=True)
        if args.out.suffix == ".zip":
            shutil.make_archive(str(args.out.with_suffix("")), "zip", folder)
        else:
            shutil.copytree(folder, args.out)
    print(f"{args.out}: {args.method} on {', '.join(test_sets)}")


def write_rows(paths: list[Path], method: str, folder: Path) -> list[str]:
    """Write the rows of ``method`` as they are, a file for each test set; return the test sets."""
    rows: dict[str, list[list[str]]] = {}
    for path in paths:
        for _, cells in results.read_csv(path, results.COLUMNS, "an evaluation"):
            if cells[0] == method:
                rows.setdefault(cells[1], []).append(cells)
    if not rows:
        raise InputError(f"--rows: no row of {method}; name its files in runs/PRESET/evaluate/")
    for test_set, lines in rows.items():
        path = folder / "rows" / f"{test_set}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(results.COLUMNS)
            writer.writerows(lines)
    return list(rows)


def write_files(
    spec: ReportSpec, registry: MetricRegistry, args: argparse.Namespace, folder: Path, test_sets: list[str]
) -> None:
    """Copy the records of the restorations, and some SR images of each test set."""
    frame = results.load(args.rows, registry.metrics)
    for test_set in test_sets:
        files = spec.methods[args.method][test_set]
        if files.record and Path(files.record).is_file():
            (folder / "records").mkdir(exist_ok=True)
            shutil.copyfile(files.record, folder / "records" / f"{test_set}.json")
        _, chosen = chosen_images(frame, test_set, registry.metrics, args.images)
        here = list_images(Path(files.sr)) if args.images and Path(files.sr).is_dir() else {}
        for image in chosen:
            if image in here:
                (folder / "images" / test_set).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(here[image], folder / "images" / test_set / here[image].name)


def describe(spec: ReportSpec, registry: MetricRegistry, method: str, test_sets: list[str]) -> Submission:
    """Describe what was measured, how, and on which images."""
    selection = registry.select(spec.comparison.metrics)
    images = {}
    for test_set in test_sets:
        path = spec.test_sets[test_set].manifest
        manifest = settings.parse(read_json(Path(path)), Manifest, path)
        images[test_set] = {
            name: SubmittedImage(lr_sha256=pair.lr_sha256, hr_sha256=pair.hr_sha256)
            for name, pair in manifest.images.items()
        }
    return Submission(
        format=1,
        method=method,
        title=spec.comparison.methods[method].title,
        steps=spec.comparison.methods[method].steps,
        preset=spec.comparison.preset,
        commit=commit(),
        device=spec.device,
        environment={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        metrics={
            name: Measured(protocol=selection.protocols[name], definition=definition(selection, name))
            for name in spec.comparison.metrics
        },
        test_sets=images,
    )
