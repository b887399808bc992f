"""Measure one method on one test set: SR images against HR and LR images, one row per image and metric.

    python -m benchmark.evaluation.evaluate --sr DIR --hr DIR --lr DIR --out FILE.csv [--spec FILE.yaml] [--metrics ...]
    python -m benchmark.evaluation.evaluate --sr DIR --hr DIR --out FILE.csv ...      without color shift
    python -m benchmark.evaluation.evaluate --sr DIR --lr DIR --out FILE.csv ...      a test set without HR images

Columns: method, test_set, image, metric, value (6 decimals), protocol, note. ``image`` is empty for metrics of the
whole set (FID) and for metrics that cannot be measured here; the latter have no value and a note with the reason.
Images are paired by stem. Measured values are stored in FILE.csv.partial, so that the same command continues after a
stop.

    ... --shard 2-of-8 --out PART.jsonl     measure one part of the images, and store the values
    ... --measured PART.jsonl ...           take these values, and measure the rest: metrics of the whole set

The spec (``benchmark.metrics.registry.Selection``) is the part of the metric registry that decides the values; without
a spec, the registry is read. Two checks come first: each metric compares an HR image with itself, and with a copy that
was reduced to a quarter of its sides and upsampled by bicubic interpolation.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import TypeVar

from benchmark.evaluation.results import with_method_note
from benchmark.evaluation.runner import Evaluation, Part, Resources, evaluate
from benchmark.metrics.build import lacks_package, unavailable_reason
from benchmark.metrics.registry import Selection, read_registry
from benchmark.metrics.weights import missing_weights
from osediff.common.command_line import add_place, make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import atomic, lock
from osediff.common.memory import keep_freed_memory
from osediff.common.restore_folder import record_note, refuse_random, unusable
from osediff.common.settings import read as read_settings
from osediff.common.shards import parse_shard
from osediff.common.shipped import shipped
from osediff.common.weights import torch_home, weights_folder

COLUMNS = ("method", "test_set", "image", "metric", "value", "protocol", "note")
Item = TypeVar("Item")


def select_metrics(args: argparse.Namespace) -> Selection:
    """Return the metrics that the command line asks for, by its spec or by the registry."""
    if args.spec is not None:
        selection = read_settings(args.spec, Selection)
        return selection.model_copy(update={"metrics": pick(args.metrics, selection.metrics, args.spec)})
    registry = read_registry(args.registry, args.protocol)
    measurable = [name for name, metric in registry.metrics.items() if not metric.not_measured]
    return registry.select(pick(args.metrics or measurable, registry.metrics, args.registry))


def pick(wanted: list[str] | None, metrics: dict[str, Item], source: Path) -> dict[str, Item]:
    """Return those ``metrics`` that are ``wanted`` (None: all), in their order; InputError for an unknown name."""
    unknown = [name for name in wanted or [] if name not in metrics]
    if unknown:
        raise InputError(f"unknown metric {', '.join(unknown)}; known in {source}: {', '.join(metrics)}")
    return {name: metric for name, metric in metrics.items() if wanted is None or name in wanted}


def write_rows(path: Path, method: str, test_set: str, evaluation: Evaluation, selection: Selection) -> None:
    """Write the rows of ``evaluation`` as CSV, whole or not at all; a metric without values has a row with its note."""
    measured = {name for _, name, _ in evaluation.rows}
    values = [(image, name, f"{value:.6f}") for image, name, value in evaluation.rows]
    values += [("", name, "") for name in selection.metrics if name not in measured]
    with atomic(path, durable=True) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for image, name, value in values:
            protocol, note = selection.protocols[name], evaluation.notes[name]
            writer.writerow([method, test_set, image, name, value, protocol, note])


def lacking_weights(evaluation: Evaluation, selection: Selection) -> dict[str, dict[str, str]]:
    """Return the missing files, by key, of each metric that was not measured for want of them alone."""
    measured = {name for _, name, _ in evaluation.rows}
    unmeasured = {name: note for name, note in evaluation.notes.items() if name not in measured}
    wanting = [
        name
        for name, note in unmeasured.items()
        if note == unavailable_reason(name, selection) and not lacks_package(selection.metrics[name].library)
    ]
    return {name: files for name in wanting if (files := missing_weights(name, selection))}


def report(evaluation: Evaluation, selection: Selection) -> None:
    """Print the metrics that were not measured, with the reason, and the notes of the others.

    Two or more that lack weights are one line, with one command that fetches them all.
    """
    measured = {name for _, name, _ in evaluation.rows}
    lacking = lacking_weights(evaluation, selection)
    together = lacking if len(lacking) > 1 else {}
    for name, note in evaluation.notes.items():
        if note and name not in together:
            print(f"{name}: {'' if name in measured else 'not measured, '}{note}", file=sys.stderr)
    if together:
        keys = " ".join(dict.fromkeys(key for files in together.values() for key in files))
        command = f"python -m osediff.common.artifacts fetch metric-weights --only {keys}"
        print(f"not measured, since their weights are not here: {', '.join(together)}; {command}", file=sys.stderr)
    if lacking:
        print(f"(weights are looked for in {weights_folder()} and in $TORCH_HOME, {torch_home()})", file=sys.stderr)


def averages(evaluation: Evaluation, selection: Selection) -> Iterator[str]:
    """Yield a line for each metric that was measured: its name and the average of its values."""
    for name in selection.metrics:
        if values := [value for _, measured, value in evaluation.rows if measured == name]:
            yield f"{name:12} {fmean(values):.4f}"


def add_options(parser: argparse.ArgumentParser, named: bool = True) -> None:
    """Add the options; the folders have names (``--sr``), or only their positions, as in ``osediff evaluate``."""
    add_place(parser, "sr", named, "folder of the method's images")
    add_place(parser, "hr", named, "folder of the true images, same names; not where there are none", optional=True)
    parser.add_argument("--lr", type=Path, help="folder of the LR images, same names: for color shift, or without HR")
    parser.add_argument("--out", type=Path, help="CSV file to write (default: beside the SR folder, with its name)")
    parser.add_argument("--record", type=Path, help="run.json of the method: where it failed, nothing is measured")
    parser.add_argument("--method", help="name in the method column (default: the SR folder's)")
    parser.add_argument("--test-set", help="name in the test_set column (default: the HR or LR folder's)")
    parser.add_argument("--spec", type=Path, help="YAML file of the metrics to measure (default: by the registry)")
    parser.add_argument("--registry", type=Path, default=shipped("config/metrics.yaml"))
    parser.add_argument("--protocol", help="one of the registry's protocols (default: its own, the paper's)")
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="METRIC",
        help="default: all of the spec or, by the registry, all that can be measured",
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for the learned metrics")
    parser.add_argument("--workers", type=int, help="processes (default: one per core, fewer for few images)")
    parser.add_argument("--batch", type=int, default=8, help="pairs that a network gets at once on a GPU")
    parser.add_argument("--shard", type=parse_shard, metavar="I-of-N", help="measure only this part; --out is no CSV")
    parser.add_argument("--measured", type=Path, nargs="*", default=[], help="values of all shards, by --shard")


def execute(args: argparse.Namespace) -> None:
    """Measure, write the rows, and print the averages, and on stderr which metrics could not be measured."""
    if args.batch < 1 or (args.workers is not None and args.workers < 1):
        raise InputError("--workers and --batch must be 1 or more")
    if args.hr is None and args.lr is None:
        raise InputError("name the folder of HR images, or by --lr that of LR images where there are none")
    if args.spec is not None and args.protocol is not None:
        raise InputError("--protocol goes with the registry; the spec has one already")
    selection = select_metrics(args)
    method, test_set = args.method or args.sr.resolve().name, args.test_set or (args.hr or args.lr).resolve().name
    out = args.out or args.sr.resolve().with_name(f"{args.sr.resolve().name}.csv")
    partial = out.with_name(out.name + ".partial")
    named = ", ".join(selection.metrics)
    print(f"measuring the images of {args.sr}: {named}", file=sys.stderr, flush=True)
    reason = unusable(args.record) if args.record else ""
    if not args.record:
        refuse_random(args.sr)
    with lock(out.with_name(f".{out.name}.lock")):
        evaluation = Evaluation(notes=dict.fromkeys(selection.metrics, reason))
        if not reason:
            keep_freed_memory()
            resources = Resources(args.device, args.workers, args.batch)
            part = Part(args.shard, tuple(args.measured))
            evaluation = evaluate(args.sr, args.hr, selection, partial, resources, args.lr, part)
            if args.record and (note := record_note(args.record)):
                evaluation.notes = {name: with_method_note(note, text) for name, text in evaluation.notes.items()}
        if args.shard:
            partial.touch()
            partial.replace(out)
            return
        write_rows(out, method, test_set, evaluation, selection)
        partial.unlink(missing_ok=True)
    if reason:
        print(f"{method} on {test_set} not measured: {reason}", file=sys.stderr)
    else:
        report(evaluation, selection)
        print(*averages(evaluation, selection), sep="\n")


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.evaluation.evaluate", __doc__)
    add_options(parser)
    execute(parser.parse_args())


if __name__ == "__main__":
    run(main)
