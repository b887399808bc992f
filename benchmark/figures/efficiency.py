"""Draw Figure 1(b) from tables, as the paper has it (``--by steps``) or with quality or parameters over time.

    python -m benchmark.figures.efficiency --table2 results/table2.csv --quality results/table1.csv
        --published FILE.csv --test-set drealsr --metric clipiqa --out results/efficiency

In the paper's form, inference steps stand over time, and the area of a bubble shows the trainable parameters. In the
other forms, it shows the multiply-adds.
Published and measured marks look different: published marks are hollow gray circles (times of the paper's A100),
measured marks are filled, and their device is named. A method needs a time and a height; methods without these are
named above the figure.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.figures.costs import Cost, costs
from benchmark.figures.style import ACCENT, COLORS, EMPHASIZED, GRAY, TEXT, new_figure, plain_axes, save
from benchmark.tables.complexity import read_table as read_complexity
from benchmark.tables.quality import read_table as read_quality
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.validation import check_name

AREA = 900  # points squared of the largest bubble


@dataclass(frozen=True)
class Mark:
    """One method: its costs, its height, and the figure that its area shows (None: the smallest area)."""

    cost: Cost
    height: float
    size: float | None

    @property
    def seconds(self) -> float:
        """Seconds for an image; only methods with a time are marks."""
        assert self.cost.seconds is not None
        return self.cost.seconds


@dataclass(frozen=True)
class Form:
    """What a figure shows: the title, the label of the vertical axis, the words for a bubble's area."""

    title: str
    label: str
    area: str
    logarithmic: bool = False

    def place(self, height: float) -> float:
        """Return where a height lies on the axis."""
        return math.log10(height) if self.logarithmic else height


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


def marks(
    found: list[Cost], height: Callable[[Cost], float | None], size: Callable[[Cost], float | None]
) -> tuple[list[Mark], list[str]]:
    """Return the marks that can be drawn, and the methods that have a time and no height."""
    drawable, lacking = [], []
    for cost in found:
        value = height(cost)
        if cost.seconds is not None and value is not None:
            drawable.append(Mark(cost, value, size(cost)))
        elif cost.seconds is not None:
            lacking.append(cost.method)
    return drawable, lacking


def draw_mark(plot: Axes, mark: Mark, color: str, area: float, is_crowded: bool) -> None:
    """Draw one bubble with its name above it, or below it if another bubble is above or closely left of it."""
    is_hollow = mark.cost.source == "published"
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
    weight = "bold" if mark.cost.method == EMPHASIZED else "normal"
    plot.annotate(mark.cost.method, (mark.seconds, mark.height), fontsize=9.5, color=color, fontweight=weight, **place)


def draw(drawable: list[Mark], lacking: list[str], form: Form) -> Figure:
    """Draw the scatter of ``drawable``; InputError if there is nothing to draw."""
    if not drawable:
        raise InputError("no method has both a time and a value to draw; measure or count one first")
    figure = new_figure(8.2, 5.4, dpi=180)
    plot = figure.add_subplot()
    largest = max((mark.size or 0 for mark in drawable), default=1) or 1
    methods = list(dict.fromkeys(mark.cost.method for mark in drawable if mark.cost.method != EMPHASIZED))
    heights = sorted(form.place(mark.height) for mark in drawable)
    spread = (heights[-1] - heights[0]) or 1.0
    for mark in sorted(drawable, key=lambda mark: -(mark.size or 0)):
        is_crowded = any(
            0 <= form.place(other.height) - form.place(mark.height) < 0.2 * spread
            and (other.height > mark.height or other.seconds < mark.seconds)
            and abs(math.log10(other.seconds / mark.seconds)) < 0.15
            for other in drawable
        )
        method = mark.cost.method
        color = ACCENT if method == EMPHASIZED else COLORS[methods.index(method) % len(COLORS)]
        draw_mark(plot, mark, color, max(30.0, AREA * math.sqrt((mark.size or 0) / largest)), is_crowded)
    plot.set_xscale("log")
    low, high = min(mark.seconds for mark in drawable), max(mark.seconds for mark in drawable)
    plot.set_xlim(low / 2, high * 2)
    limits = (heights[0] - 0.12 * spread, heights[-1] + 0.2 * spread)
    if form.logarithmic:
        plot.set_yscale("log")
        limits = (10 ** limits[0], 10 ** limits[1])
        plot.yaxis.set_major_formatter("{x:g}")
    plot.set_ylim(*limits)
    plot.xaxis.set_major_formatter("{x:g}")
    plot.set_xlabel("seconds for one 512x512 image (log scale)", fontsize=10)
    plot.set_ylabel(form.label, fontsize=10)
    plain_axes(plot, grid="both")
    handles = [
        Line2D([], [], linestyle="", label=origin, color="black", marker="o", markersize=9,
               markeredgewidth=1.6, markerfacecolor="none" if origin.startswith("published") else GRAY)
        for origin in dict.fromkeys(mark.cost.origin for mark in drawable)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncol=min(2, len(handles)), frameon=False, fontsize=9)
    about = f"Area: square root of the {form.area}. Times of different devices do not compare."
    about += f" Not drawn for lack of a value: {', '.join(dict.fromkeys(lacking))}." if lacking else ""
    lines = textwrap.wrap(about, 100)
    plot.set_title(form.title, fontsize=12.5, fontweight="bold", loc="left", pad=10 + 12 * len(lines))
    plot.text(0, 1.02, "\n".join(lines), transform=plot.transAxes, fontsize=8.5, color=TEXT)
    return figure


def figure_of(
    table2: Path, quality: Path | None, published_values: Path, metrics: Metrics, test_set: str, metric: str, by: str
) -> Figure:
    """Draw the figure of the tables at these paths."""
    found = costs(read_complexity(table2))
    if by == "steps":
        form = Form("Time and inference steps", "inference steps (log scale)", "trainable parameters", True)
        return draw(*marks(found, lambda cost: cost.steps, lambda cost: cost.mparams_trainable), form)
    if by == "parameters":
        form = Form("Time and parameters", "parameters (M)", "multiply-adds")
        return draw(*marks(found, lambda cost: cost.mparams, lambda cost: cost.gmacs), form)
    heights = published_quality(published.load([published_values], metrics), test_set, metric)
    if quality is not None:
        heights |= measured_quality(read_quality(quality, metrics), test_set, metrics[metric].heading)
    form = Form("Time and quality", f"{metrics[metric].title} on {test_set}", "multiply-adds")
    return draw(*marks(found, lambda cost: heights.get((cost.method, cost.source)), lambda cost: cost.gmacs), form)


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.efficiency", __doc__)
    parser.add_argument("--table2", type=Path, required=True, help="CSV of benchmark.tables.complexity")
    parser.add_argument("--quality", type=Path, help="CSV of benchmark.tables.quality, for measured quality")
    parser.add_argument("--published", type=Path, required=True, help="CSV of the published Table 1")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--test-set", default="drealsr")
    parser.add_argument("--metric", default="clipiqa", help="name of the metric that is the height")
    parser.add_argument("--by", choices=["quality", "parameters", "steps"], default="quality")
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    metrics = results.read_metrics(args.registry)
    check_name("metric", args.metric, metrics, "--metric")
    figure = figure_of(args.table2, args.quality, args.published, metrics, args.test_set, args.metric, args.by)
    save(figure, args.out)


if __name__ == "__main__":
    run(main)
