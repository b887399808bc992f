"""Write a page that says how every number is measured, so that others can measure the same number.

python -m benchmark.tables.protocol --registry config/metrics.yaml --protocol osediff --out results/protocol.md
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmark.metrics.registry import MetricRegistry, Options, read_registry
from benchmark.tables.inputs import make_parser
from benchmark.tables.render import write
from benchmark.tables.table import Column, Table, plain_rows
from osediff.common.errors import run

HEAD = ("metric", "better", "range", "unit", "of", "computed by", "options", "weights (sha256)", "protocol")
COLUMNS = [Column(title, title) for title in HEAD]


def bounds(lowest: float | None, highest: float | None) -> str:
    """Print a range: ``0 to 80``, ``from 0``, or a dash."""
    if lowest is None:
        return "–"
    return f"from {lowest:g}" if highest is None else f"{lowest:g} to {highest:g}"


def line(registry: MetricRegistry, name: str) -> tuple[str, ...]:
    """Make the line of one metric."""
    metric = registry.metrics[name]
    library = metric.library
    by = "this repository" if library == "suite" else f"{library} {registry.libraries[library]}: {metric.name}"
    crops: Options = {} if metric.random_crops is None else {"random_crops": metric.random_crops}
    options = ", ".join(f"{key} {json.dumps(value)}" for key, value in {**metric.options, **crops}.items())
    files = [item for key in metric.weights for item in registry.weights[key].contents.items()]
    weights = [f"{file} ({(known.sha256 or 'not published')[:16]})" for file, known in files]
    better = "higher" if metric.higher_is_better else "lower"
    of = "each image" if metric.level == "image" else "whole sets"
    cells = (metric.title, better, bounds(*metric.range), metric.unit, of, by, options or "–")
    return (*cells, ", ".join(weights) or "–", registry.protocol_of(name))


def sheet(registry: MetricRegistry) -> Table:
    """Make the table of the metrics under one protocol, and a list of the changes by other protocols."""
    others = []
    for name, other in registry.protocols.items():
        titles = ", ".join(registry.metrics[metric].title for metric in other.metrics)
        others.append(f"`{name}/{other.version}` ({titles}): {other.about}")
    return Table(
        title="How every number is measured",
        columns=COLUMNS,
        groups=[plain_rows(COLUMNS, [line(registry, name) for name in registry.metrics])],
        notes=[
            "Images are 8-bit RGB, paired by name; averages are over the images of a test set.",
            "Other protocols, chosen by `protocol` of the main configuration or `--protocol`:",
        ],
        remarks=others,
    )


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.tables.protocol", __doc__)
    parser.add_argument("--protocol", help="one of the registry's protocols (default: its own, the paper's)")
    parser.add_argument(
        "--out", type=Path, required=True, help="Markdown file to write; an HTML file is written beside it"
    )
    args = parser.parse_args()
    write(sheet(read_registry(args.registry, args.protocol)), args.out.with_suffix(""), ("md", "html"))


if __name__ == "__main__":
    run(main)
