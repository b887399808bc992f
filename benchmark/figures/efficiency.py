"""Draw Figure 1(b) from tables: quality over time; the area of a bubble shows the multiply-adds.

    python -m benchmark.figures.efficiency --table2 results/table2.csv --quality results/table1.csv
        --published FILE.csv --test-set drealsr --metric clipiqa --out results/efficiency

Published and measured marks look different: published marks are hollow gray circles (times of the paper's A100),
measured marks are filled, and their device is named. If the metric was not measured, the axis shows parameters. A
method needs a time, and a quality or a number of parameters; methods without these are named below the figure.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.figures.style import ACCENT, COLORS, EMPHASIZED, GRAY, TEXT, new_figure, plain_axes, save
from benchmark.tables.complexity import read_table as read_complexity
from benchmark.tables.quality import read_table as read_quality
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.validation import check_name

AREA = 900  # points squared of the largest bubble


@dataclass(frozen=True)
class Mark:
    """One method: seconds for an image, height (quality or millions of parameters), G multiply-adds, source."""

    method: str
    seconds: float
    height: float
    gmacs: float | None
    source: Literal["published", "measured"]
    device: str


Quality = dict[tuple[str, str], float]  # by method and source


def published_quality(values: pd.DataFrame, test_set: str, metric: str) -> Quality:
    """Return a metric of the published Table 1."""
    chosen = values[(values["table"] == "table1") & (values["test_set"] == test_set) & (values["metric"] == metric)]
    return {(method, "published"): value for method, value in zip(chosen["method"], chosen["value"], strict=True)}


def measured_quality(table: pd.DataFrame, test_set: str, heading: str) -> Quality:
    """Return a metric of the measured rows of a table of benchmark.tables.quality."""
    if heading not in table.columns:
        return {}
    rows = table[(table["test_set"] == test_set) & (table["preset"] != "published") & (table[heading] != "")]
    return {(method, "measured"): float(value) for method, value in zip(rows["method"], rows[heading], strict=True)}


def marks(table: pd.DataFrame, quality: Quality | None) -> tuple[list[Mark], list[str]]:
    """Return the marks that can be drawn, and the methods that cannot.

    A measured time gets the counted parameters and multiply-adds. Without ``quality``, the height is the parameters.
    """
    drawable, lacking = [], []
    counted = table[table["source"] == "counted"].drop_duplicates("method").set_index("method")
    timed = table[(table["source"] != "counted") & (table["seconds"] != "")]
    for _, row in timed.iterrows():
        method, source = row["method"], row["source"]
        facts = counted.loc[method] if source == "measured" and method in counted.index else row
        parameters = float(facts["mparams"]) if facts["mparams"] else None
        height = parameters if quality is None else quality.get((method, source))
        if height is None:
            lacking.append(method)
            continue
        gmacs = float(facts["gmacs"]) if facts["gmacs"] else None
        drawable.append(Mark(method, float(row["seconds"]), height, gmacs, source, row["device"]))
    return drawable, lacking


def draw_mark(plot: Axes, mark: Mark, color: str, area: float, is_crowded: bool) -> None:
    """Draw one bubble with its name above it, or below it if another bubble is above."""
    is_hollow = mark.source == "published"
    look: Any = (
        {"facecolors": "none", "edgecolors": color} if is_hollow else {"facecolors": color, "edgecolors": "black"}
    )
    plot.scatter([mark.seconds], [mark.height], s=area, linewidths=1.6, alpha=0.9, zorder=3, **look)
    away = (math.sqrt(area / math.pi) + 4) * (-1 if is_crowded else 1)
    place: Any = {
        "xytext": (0, away),
        "textcoords": "offset points",
        "ha": "center",
        "va": "top" if is_crowded else "bottom",
    }
    weight = "bold" if mark.method == EMPHASIZED else "normal"
    plot.annotate(mark.method, (mark.seconds, mark.height), fontsize=9.5, color=color, fontweight=weight, **place)


def draw(drawable: list[Mark], lacking: list[str], label: str, title: str) -> Figure:
    """Draw the scatter of ``drawable``; InputError if there is nothing to draw."""
    if not drawable:
        raise InputError("no method has both a time and a value to draw; measure or count one first")
    figure = new_figure(8.2, 5.4, dpi=180)
    plot = figure.add_subplot()
    largest = max((mark.gmacs or 0 for mark in drawable), default=1) or 1
    methods = list(dict.fromkeys(mark.method for mark in drawable if mark.method != EMPHASIZED))
    heights = sorted(mark.height for mark in drawable)
    spread = (heights[-1] - heights[0]) or 1.0
    for mark in sorted(drawable, key=lambda mark: -(mark.gmacs or 0)):
        is_crowded = any(
            0 < other.height - mark.height < 0.2 * spread and abs(math.log10(other.seconds / mark.seconds)) < 0.15
            for other in drawable
        )
        color = ACCENT if mark.method == EMPHASIZED else COLORS[methods.index(mark.method) % len(COLORS)]
        draw_mark(plot, mark, color, max(30.0, AREA * math.sqrt((mark.gmacs or 0) / largest)), is_crowded)
    plot.set_xscale("log")
    low, high = min(mark.seconds for mark in drawable), max(mark.seconds for mark in drawable)
    plot.set_xlim(low / 2, high * 2)
    plot.set_ylim(heights[0] - 0.12 * spread, heights[-1] + 0.2 * spread)
    plot.xaxis.set_major_formatter("{x:g}")
    plot.set_xlabel("seconds for one 512x512 image (log scale)", fontsize=10)
    plot.set_ylabel(label, fontsize=10)
    plain_axes(plot, grid="both")
    handles = [
        Line2D([], [], linestyle="", label=f"{source}: {device}", color="black", marker="o", markersize=9,
               markeredgewidth=1.6, markerfacecolor="none" if source == "published" else GRAY)
        for source, device in dict.fromkeys((mark.source, mark.device) for mark in drawable)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncol=min(2, len(handles)), frameon=False, fontsize=9)
    about = "Area: square root of the multiply-adds. Times of different devices do not compare."
    about += f" Not drawn for lack of a value: {', '.join(dict.fromkeys(lacking))}." if lacking else ""
    lines = textwrap.wrap(about, 100)
    plot.set_title(title, fontsize=12.5, fontweight="bold", loc="left", pad=10 + 12 * len(lines))
    plot.text(0, 1.02, "\n".join(lines), transform=plot.transAxes, fontsize=8.5, color=TEXT)
    return figure


def figure_of(
    table2: Path, quality: Path | None, published_values: Path, metrics: Metrics, test_set: str, metric: str, by: str
) -> Figure:
    """Draw the figure of the tables at these paths."""
    table = read_complexity(table2)
    if by == "parameters":
        return draw(*marks(table, None), "parameters (M)", "Time and parameters")
    heights = published_quality(published.load([published_values], metrics), test_set, metric)
    if quality is not None:
        heights |= measured_quality(read_quality(quality, metrics), test_set, metrics[metric].heading)
    return draw(*marks(table, heights), f"{metrics[metric].title} on {test_set}", "Time and quality")


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.efficiency", __doc__)
    parser.add_argument("--table2", type=Path, required=True, help="CSV of benchmark.tables.complexity")
    parser.add_argument("--quality", type=Path, help="CSV of benchmark.tables.quality, for measured quality")
    parser.add_argument("--published", type=Path, required=True, help="CSV of the published Table 1")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--test-set", default="drealsr")
    parser.add_argument("--metric", default="clipiqa", help="name of the metric that is the height")
    parser.add_argument("--by", choices=["quality", "parameters"], default="quality")
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    metrics = results.read_metrics(args.registry)
    check_name("metric", args.metric, metrics, "--metric")
    figure = figure_of(args.table2, args.quality, args.published, metrics, args.test_set, args.metric, args.by)
    save(figure, args.out)


if __name__ == "__main__":
    run(main)
