"""The page's section on the agreement of metrics: its figures, and what they show as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.report.images import Placement
from benchmark.report.overview import ShownTable
from benchmark.report.page_data import Measured
from benchmark.statistics.agreement import conclusions
from benchmark.tables.agreement import conclusions_table, read_correlations
from osediff.common.errors import InputError

FIGURES = {
    "agreement": "Rank correlations of the metrics, and the method that each of them finds better",
    "critical_difference": "Mean ranks of the methods over all images, by each metric",
}


@dataclass(frozen=True)
class ShownFigure:
    """A figure of the page: its address, and what it shows in a sentence."""

    address: str
    about: str


def place_figures(placement: Placement, files: Sequence[Path]) -> list[ShownFigure]:
    """Place the figures of benchmark.figures.agreement beside the page; InputError if a file is another or absent."""
    shown = []
    for path in files:
        if path.stem not in FIGURES or not path.is_file():
            names = " and ".join(f"{name}.png" for name in FIGURES)
            raise InputError(f"{path}: needed are {names} of benchmark.figures.agreement; make them anew")
        address = f"figures/{path.name}"
        placement.image(path, address)
        shown.append(ShownFigure(address, FIGURES[path.stem]))
    return shown


def agreement_tables(measured: Measured, correlations: Path) -> list[ShownTable]:
    """Make the tables of the section: conclusions by metric, and rank correlations, which are read."""
    found = conclusions(measured.pairs, measured.image_metrics)
    return [
        ShownTable("conclusions", conclusions_table(measured.spec.comparison, measured.metrics, found), []),
        ShownTable("correlations", read_correlations(correlations), []),
    ]
