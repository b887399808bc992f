"""Read the inputs of commands that make tables of measured rows: a spec, metrics, evaluations, published values."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import pandas as pd

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.tables.specs import AblationSpec, ComparisonSpec
from osediff.common import command_line, settings

Spec = TypeVar("Spec", bound=ComparisonSpec | AblationSpec)


@dataclass(frozen=True)
class Inputs(Generic[Spec]):
    """``frame`` has the rows of benchmark.evaluation.results, ``published`` those of benchmark.data.published."""

    spec: Spec
    metrics: Metrics
    frame: pd.DataFrame
    published: pd.DataFrame


def make_parser(module: str, documentation: str | None) -> argparse.ArgumentParser:
    """Make the parser of ``python -m module``, with the first line of its documentation and ``--registry``."""
    parser = command_line.make_parser(module, documentation)
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"), help="the metrics")
    return parser


def add_inputs(parser: argparse.ArgumentParser, spec: type[Spec]) -> None:
    """Add the options that ``read_inputs`` reads."""
    parser.add_argument("--spec", type=Path, required=True, help=f"YAML: {spec.__name__} of benchmark.tables.specs")
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument("--published", type=Path, nargs="+", default=[], help="CSV files of published values")


def read_inputs(args: argparse.Namespace, model: type[Spec]) -> Inputs[Spec]:
    """Read and check the files that the options of ``add_inputs`` name; InputError, in one line, for a mistake."""
    spec, metrics = settings.read(args.spec, model), results.read_metrics(args.registry)
    results.check_metric_names(spec.metrics, metrics, args.spec)
    return Inputs(spec, metrics, results.load(args.rows, metrics), published.load(args.published, metrics))
