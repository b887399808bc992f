"""Radar charts in the form of the paper's Figure 1(a), rendered from a table alone.

    python -m benchmark.figures.radar measured --table results/table1.csv --test-set T --out results/radar_T
    python -m benchmark.figures.radar published --published config/published/osediff.csv --test-set drealsr --out ...
    python -m benchmark.figures.radar onestep --table results/published_onestep.csv --methods OSEDiff RSD --test-set ...

Each axis is one metric; better is always outward. An axis is scaled over the methods that are shown: the best value is
on the rim, the worst on the inner ring, the others are linearly between. The axis shows both values. Therefore areas of
different charts cannot be compared, and with two methods every axis has one method on the rim and one on the ring.
Metrics that were not measured for every method are left out and named below. If fewer than three metrics remain, there
is no area: then all axes are drawn, axes without values in gray, and methods are points on the other axes. The same
table gives the same bytes of PNG and SVG.
"""

from __future__ import annotations

import math
from collections.abc import Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.projections.polar import PolarAxes

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.figures.style import (
    ACCENT,
    COLORS,
    EMPHASIZED,
    GRAY,
    MARKERS,
    RING,
    STYLES,
    SUBTITLE,
    TEXT,
    legend_label,
    new_figure,
    save,
)
from benchmark.tables.published_onestep import read_summary
from benchmark.tables.quality import read_table
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run

INNER = 0.3  # radius of the worst value; the rim is 1


@dataclass(frozen=True)
class Axis:
    """One metric of a radar: its title, and the printed value of each method (empty: not measured)."""

    title: str
    higher_is_better: bool
    values: list[str]

    @property
    def measured(self) -> bool:
        """Whether every method has a value."""
        return all(self.values)


def radii(axis: Axis) -> list[float]:
    """Return the radius of each method's point: ``INNER`` for the worst value, 1 for the best, 1 if all are equal."""
    if not axis.measured:
        return [0.0] * len(axis.values)
    values = np.array([float(value) for value in axis.values]) * (1 if axis.higher_is_better else -1)
    spread = values.max() - values.min()
    better = (values - values.min()) / spread if spread > 0 else np.ones_like(values)
    return [float(radius) for radius in INNER + (1 - INNER) * better]


def has_area(axes: list[Axis]) -> bool:
    """Whether the measured axes make a polygon."""
    return sum(axis.measured for axis in axes) >= 3


def shown_axes(axes: list[Axis]) -> list[Axis]:
    """Return the axes to draw: the measured axes if they make a polygon, otherwise all axes."""
    return [axis for axis in axes if axis.measured] if has_area(axes) else axes


def draw(
    methods: list[str], every: list[Axis], title: str, subtitle: str, absent: str = "Not published for all of them"
) -> Figure:
    """Draw the radar of ``methods`` over ``every`` axis that can be shown; ``absent`` is said of the others."""
    axes = shown_axes(every)
    figure = new_figure(7.2, 7.8, dpi=200, constrained=False)
    plot = figure.add_axes((0.17, 0.215, 0.66, 0.609), projection="polar")
    assert isinstance(plot, PolarAxes)
    draw_grid(plot, axes)
    order = sorted(range(len(methods)), key=lambda index: methods[index] == EMPHASIZED)
    lines = {methods[index]: draw_method(plot, axes, methods, index) for index in order}
    place: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 0.055), "ncol": min(4, len(methods))}
    figure.legend(handles=[lines[name] for name in methods], frameon=False, fontsize=11, handlelength=3, **place)
    middle: dict[str, Any] = {"ha": "center", "va": "center"}
    figure.text(0.5, 0.97, title, fontsize=14, fontweight="bold", **middle)
    figure.text(0.5, 0.938, subtitle, fontsize=10.5, color=SUBTITLE, **middle)
    figure.text(0.5, 0.028, caption(axes, every, absent), fontsize=8.5, color=TEXT, linespacing=1.5, **middle)
    return figure


def angles(axes: Sized) -> list[float]:
    """Return the angle of each of ``axes`` in radians, clockwise from the top."""
    return [2 * math.pi * index / len(axes) for index in range(len(axes))]


def draw_grid(plot: PolarAxes, axes: list[Axis]) -> None:
    """Draw the rings and the spokes with their labels."""
    plot.set_theta_zero_location("N")
    plot.set_theta_direction(-1)
    plot.set_ylim(0, 1.04)
    plot.set_axis_off()
    circle = np.linspace(0, 2 * math.pi, 361)
    for level in (INNER, (1 + INNER) / 2, 1.0):
        plot.plot(circle, np.full_like(circle, level), color=RING, linewidth=1.2 if level == 1 else 0.8, zorder=1)
    for angle, axis in zip(angles(axes), axes, strict=True):
        style = "-" if axis.measured else (0, (3, 3))
        plot.plot([angle, angle], [0, 1], color=RING, linewidth=0.8, linestyle=style, zorder=1)
        label(plot, angle, axis)


def draw_method(plot: PolarAxes, axes: list[Axis], methods: list[str], index: int) -> Line2D:
    """Draw one method: a closed polygon, or points where there are too few axes for one."""
    points = [(angle, radii(axis)[index]) for angle, axis in zip(angles(axes), axes, strict=True) if axis.measured]
    closed = [*points, points[0]] if has_area(axes) else points
    coordinates = list(zip(*closed, strict=True)) or [(), ()]
    (line,) = plot.plot(*coordinates, label=legend_label(methods[index]), clip_on=False)
    if methods[index] == EMPHASIZED:
        if has_area(axes):
            plot.fill(*coordinates, color=ACCENT, alpha=0.14, zorder=3)
        line.set(color=ACCENT, linewidth=2.8, marker="o", markersize=6.5, zorder=5)
    else:
        rank = [name for name in methods if name != EMPHASIZED].index(methods[index]) % len(COLORS)
        line.set(color=COLORS[rank], linewidth=1.5, linestyle=STYLES[rank], marker=MARKERS[rank])
        line.set(markersize=5, zorder=4)
    if has_area(axes):
        line.set_markevery(list(range(len(points))))  # the last point closes the polygon
    else:
        line.set_linestyle("none")
    return line


def label(plot: PolarAxes, angle: float, axis: Axis) -> None:
    """Write the title of ``axis`` and its best and worst value, outside the rim."""
    sine, cosine = math.sin(angle), math.cos(angle)
    align = "left" if sine > 0.2 else "right" if sine < -0.2 else "center"
    # The block of text is 38 points high and grows away from the rim.
    top = 38 if cosine > 0.7 else 0 if cosine < -0.7 else 19
    ranked = sorted(axis.values, key=float, reverse=axis.higher_is_better) if axis.measured else []
    arrow = " ↑" if axis.higher_is_better else " ↓"
    values = f"best {ranked[0]}\nworst {ranked[-1]}" if ranked else "not measured"
    title_color, color = ("black", TEXT) if ranked else (GRAY, GRAY)
    for text, offset, size, ink in ((axis.title + arrow, top, 11.5, title_color), (values, top - 16, 9, color)):
        place: dict[str, Any] = {"xytext": (0, offset), "textcoords": "offset points", "annotation_clip": False}
        look: dict[str, Any] = {"ha": align, "va": "top", "fontsize": size, "color": ink, "linespacing": 1.25}
        plot.annotate(text, (angle, 1.09), **place, **look)


def caption(axes: list[Axis], every: list[Axis], absent: str) -> str:
    """Explain the scale of the chart, and name the metrics that are missing, with the words ``absent``."""
    text = "Each axis is scaled over these methods: best on the rim, worst on the inner ring."
    if not has_area(axes):
        text += " Too few metrics for an area."
    missing = [axis.title for axis in every if axis not in axes]
    return f"{text}\n{absent}: {', '.join(missing)}." if missing else text


def measured_radar(path: Path, metrics: Metrics, test_set: str, title: str) -> Figure:
    """Draw the radar of one test set of a table written by benchmark.tables.quality."""
    table = read_table(path, metrics)
    rows = table[(table["test_set"] == test_set) & (table["preset"] != "published")]
    if rows.empty:
        known = ", ".join(dict.fromkeys(table["test_set"]))
        raise InputError(f"{path} has no test set {test_set}; it has {known}")
    shown = {metric.heading: metric for metric in metrics.values() if metric.heading in table.columns}
    with_values = rows[(rows[list(shown)] != "").any(axis=1)]
    rows = rows if with_values.empty else with_values  # without those that failed
    axes = [Axis(metric.title, metric.higher_is_better, list(rows[column])) for column, metric in shown.items()]
    first = rows.iloc[0]
    images = f"{first['images']} images, " if first["images"] else ""
    subtitle = f"{first['preset'].capitalize()} results, measured: {images}protocol {first['protocol']}"
    return draw(list(rows["method"]), axes, title, subtitle, "Not measured")


def published_radar(values: pd.DataFrame, metrics: Metrics, test_set: str, title: str) -> Figure:
    """Draw the radar of the published Table 1 for one test set."""
    rows = values[(values["table"] == "table1") & (values["test_set"] == test_set)]
    if rows.empty:
        raise InputError(f"there is no published Table 1 for the test set {test_set}")
    methods = list(dict.fromkeys(rows["method"]))
    axes = []
    for name, metric in metrics.items():
        of_metric = rows[rows["metric"] == name]
        printed = dict(zip(of_metric["method"], of_metric["printed"], strict=True))
        if printed:
            axes.append(Axis(metric.title, metric.higher_is_better, [printed.get(method, "") for method in methods]))
    return draw(methods, axes, title, f"Published numbers, not measured here: {rows['source'].iloc[0]}")


def onestep_radar(path: Path, metrics: Metrics, test_set: str, title: str, methods: list[str]) -> Figure:
    """Draw the radar of published one-step ``methods``, from the medians of benchmark.tables.published_onestep."""
    values = read_summary(path)
    rows = values[(values["test_set"] == test_set) & values["method"].isin(methods)]
    if absent := [method for method in methods if method not in set(rows["method"])]:
        raise InputError(f"{path} has no value of {', '.join(absent)} on {test_set}")
    axes = []
    for name, metric in metrics.items():
        of_metric = rows[rows["metric"] == name].set_index("method")["median"]
        if not of_metric.empty:
            axes.append(Axis(metric.title, metric.higher_is_better, [of_metric.get(method, "") for method in methods]))
    subtitle = "Published numbers, not measured here: each is the median of the papers that print it"
    return draw(methods, axes, title, subtitle)


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.radar", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measured = commands.add_parser("measured", help="of measured values")
    measured.add_argument("--table", type=Path, required=True, help="CSV of benchmark.tables.quality")
    printed = commands.add_parser("published", help="of published values")
    printed.add_argument("--published", type=Path, required=True, help="CSV of published values")
    onestep = commands.add_parser("onestep", help="of published values of one-step methods")
    onestep.add_argument("--table", type=Path, required=True, help="CSV of benchmark.tables.published_onestep")
    onestep.add_argument("--methods", nargs="+", required=True, metavar="NAME", help="at most eight can be told apart")
    for command in (measured, printed, onestep):
        command.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
        command.add_argument("--test-set", required=True)
        command.add_argument("--title", help="heading (default: the test set)")
        command.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    metrics, title = results.read_metrics(args.registry), args.title or args.test_set
    if args.command == "measured":
        figure = measured_radar(args.table, metrics, args.test_set, title)
    elif args.command == "onestep":
        figure = onestep_radar(args.table, metrics, args.test_set, title, args.methods)
    else:
        figure = published_radar(published.load([args.published], metrics), metrics, args.test_set, title)
    save(figure, args.out)


if __name__ == "__main__":
    run(main)
