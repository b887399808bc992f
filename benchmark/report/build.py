"""Make the report of a run: results/report/index.html with its images beside it.

    python -m benchmark.report build --spec FILE.yaml --rows FILE.csv ... --statistics FILE.csv --pairs FILE.csv
        --compared FILE.csv --agreement agreement.csv --figures agreement.png critical_difference.png
        --published FILE.csv ... --out results/report

The folder needs no network and no server: open index.html from disk, or put the folder on any static host.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.metrics.registry import read_registry
from benchmark.report import charts, overview, page
from benchmark.report.agreement import agreement_tables, place_figures
from benchmark.report.images import FOLDERS, Placement, place_samples
from benchmark.report.page_data import Measured, encode, page_data, read_pairs
from benchmark.report.specs import ReportSpec
from benchmark.tables.protocol import sheet
from benchmark.tables.specs import PRESETS
from osediff.common import settings
from osediff.common.files import lock, write_text

SECTIONS = {
    "overview": "Overview",
    "comparison": "Comparison",
    "agreement": "Agreement",
    "training": "Training",
    "published": "Published",
    "protocol": "Protocol",
    "failures": "Failures",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``build``."""
    parser.add_argument("--spec", type=Path, required=True, help="YAML: ReportSpec of benchmark.report.specs")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"), help="the metrics")
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument(
        "--statistics", type=Path, required=True, help="statistics.csv of benchmark.statistics.pairwise"
    )
    parser.add_argument("--pairs", type=Path, required=True, help="pairwise.csv of the same command")
    parser.add_argument(
        "--compared", type=Path, required=True, help="compare_published.csv of benchmark.tables.published"
    )
    parser.add_argument("--agreement", type=Path, required=True, help="agreement.csv of benchmark.figures.agreement")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="PNG files of the same command")
    parser.add_argument("--published", type=Path, nargs="*", default=[], help="CSV files of published values")
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")


def build(args: argparse.Namespace) -> None:
    """Write the page and its images; InputError, in one line, for a mistake in the inputs."""
    spec = settings.read(args.spec, ReportSpec)
    registry = read_registry(args.registry, spec.protocol)
    metrics = registry.metrics
    results.check_metric_names(spec.comparison.metrics, metrics, args.spec)
    measured = Measured(spec, metrics, results.load(args.rows, metrics), read_pairs(args.pairs))
    args.out.mkdir(parents=True, exist_ok=True)
    with lock(args.out.with_name(f".{args.out.name}.lock")):
        placement = Placement(args.out)
        data = encode(page_data(measured, placement))
        published_values = published.load(args.published, metrics)
        tables = overview.quality_tables(measured, published_values, args.statistics)
        radars = [charts.radar_chart(measured, test_set) for test_set in spec.comparison.test_sets]
        training = charts.training_charts(measured)
        times = charts.efficiency_charts(measured, published_values)
        content = {
            "title": f"Super-resolution report, {spec.comparison.preset} preset",
            "banner": PRESETS[spec.comparison.preset],
            "sections": SECTIONS,
            "warnings": overview.older_protocols(measured.frame, registry),
            "facts": overview.facts(spec, measured.frame, args.rows, registry),
            "weights": overview.weights_table(spec),
            "tables": tables + overview.further_tables(spec),
            "method_titles": [method.title for method in spec.comparison.methods.values()],
            "agreement": agreement_tables(measured, args.agreement),
            "figures": place_figures(placement, args.figures),
            "radars": [chart for chart in radars if chart],
            "efficiency": times,
            "timed": charts.names_of(times),
            "training": training,
            "trained": charts.names_of(training),
            "samples": place_samples(placement, spec.trainings),
            "published": overview.published_table(args.compared, measured),
            "protocol": sheet(registry),
            "failures": overview.failures(measured, placement.missing),
            "data": data,
        }
        write_text(args.out / "index.html", page.render(content))
        placement.remove_others(FOLDERS)
