"""Radar charts in the form of the paper's Figure 1(a), rendered from a table alone.

    python -m benchmark.figures.radar radar --table results/table1.csv --test-set T --out results/radar_T
    python -m benchmark.figures.radar published-radar --published config/published/osediff.csv --test-set drealsr --out ...

Each axis is one metric, turned so that better is always outward, and scaled over the methods that are shown: the best
value lies on the rim, the worst on the inner ring, the others linearly between. Both values stand at the axis. So areas
say nothing across charts, and with two methods every axis has one on the rim and one on the ring. Metrics that were not
measured for every method shown are left out and named below; if fewer than three remain, there is no area to show: all
axes are drawn, those without values gray, and methods are points on the others. PNG and SVG are the same bytes for the
same table.
"""

from __future__ import annotations

import argparse
import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.projections.polar import PolarAxes

from benchmark.data import published
from benchmark.metrics import build as metrics
from osediff.common.errors import InputError, run
from osediff.common.files import atomic

INNER = 0.3  # radius of the worst value; the rim is 1
EMPHASIZED = "OSEDiff"
# Okabe and Ito's colors, told apart with any color vision; vermillion is kept for the emphasized method.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#4D4D4D", "#8C6D31")
MARKERS = "sD^vPXh"
STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)), "-")
ACCENT, GRAY = "#D55E00", "#9A9A9A"


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
    """Distance from the center of each method's point: ``INNER`` for the worst, 1 for the best, equal values 1."""
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
    """The axes to draw: the measured ones if they make a polygon, otherwise all."""
    return [axis for axis in axes if axis.measured] if has_area(axes) else axes


def draw(methods: list[str], every: list[Axis], title: str, subtitle: str) -> Figure:
    """The radar of ``methods`` over ``every`` axis that can be shown."""
    axes = shown_axes(every)
    angles = [2 * math.pi * index / len(axes) for index in range(len(axes))]
    figure = Figure(figsize=(7.2, 7.8), dpi=200)
    FigureCanvasAgg(figure)
    plot = figure.add_axes((0.17, 0.215, 0.66, 0.609), projection="polar")
    assert isinstance(plot, PolarAxes)
    plot.set_theta_zero_location("N")
    plot.set_theta_direction(-1)
    plot.set_ylim(0, 1.04)
    plot.set_axis_off()

    circle = np.linspace(0, 2 * math.pi, 361)
    for level in (INNER, (1 + INNER) / 2, 1.0):
        plot.plot(circle, np.full_like(circle, level), color="#D8D8D8", linewidth=1.2 if level == 1 else 0.8, zorder=1)
    for angle, axis in zip(angles, axes, strict=True):
        style = "-" if axis.measured else (0, (3, 3))
        plot.plot([angle, angle], [0, 1], color="#D8D8D8", linewidth=0.8, linestyle=style, zorder=1)
        label(plot, angle, axis)

    order = sorted(range(len(methods)), key=lambda index: methods[index] == EMPHASIZED)
    lines: dict[str, Line2D] = {}
    others = [index for index in range(len(methods)) if methods[index] != EMPHASIZED]
    area = has_area(axes)
    for index in order:
        points = [(angle, radii(axis)[index]) for angle, axis in zip(angles, axes, strict=True) if axis.measured]
        shown = list(zip(*points, points[0], strict=True)) if area else list(zip(*points, strict=True)) or [(), ()]
        (line,) = plot.plot(*shown, label=methods[index], clip_on=False)
        if area:
            line.set_markevery(list(range(len(points))))  # the last closes the polygon
        if methods[index] == EMPHASIZED:
            if area:
                plot.fill(*shown, color=ACCENT, alpha=0.14, zorder=3)
            line.set(color=ACCENT, linewidth=2.8, marker="o", markersize=6.5, zorder=5)
        else:
            rank = others.index(index) % len(COLORS)
            line.set(color=COLORS[rank], linewidth=1.5, linestyle=STYLES[rank], marker=MARKERS[rank])
            line.set(markersize=5, zorder=4)
        if not area:
            line.set_linestyle("none")
        lines[methods[index]] = line

    place: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 0.055), "ncol": min(4, len(methods))}
    figure.legend(handles=[lines[name] for name in methods], frameon=False, fontsize=11, handlelength=3, **place)
    middle: dict[str, Any] = {"ha": "center", "va": "center"}
    figure.text(0.5, 0.97, title, fontsize=14, fontweight="bold", **middle)
    figure.text(0.5, 0.938, subtitle, fontsize=10.5, color="#444444", **middle)
    figure.text(0.5, 0.028, caption(axes, every), fontsize=8.5, color="#555555", linespacing=1.5, **middle)
    return figure


def label(plot: PolarAxes, angle: float, axis: Axis) -> None:
    """Title of ``axis`` and its best and worst value, outside the rim."""
    sine, cosine = math.sin(angle), math.cos(angle)
    align = "left" if sine > 0.2 else "right" if sine < -0.2 else "center"
    # The block of text is 38 points high and grows away from the rim.
    top = 38 if cosine > 0.7 else 0 if cosine < -0.7 else 19
    ranked = sorted(axis.values, key=float, reverse=axis.higher_is_better) if axis.measured else []
    arrow = " ↑" if axis.higher_is_better else " ↓"
    values = f"best {ranked[0]}\nworst {ranked[-1]}" if ranked else "not measured"
    title_color, color = ("black", "#555555") if ranked else (GRAY, GRAY)
    for text, offset, size, ink in ((axis.title + arrow, top, 11.5, title_color), (values, top - 16, 9, color)):
        place: dict[str, Any] = {"xytext": (0, offset), "textcoords": "offset points", "annotation_clip": False}
        look: dict[str, Any] = {"ha": align, "va": "top", "fontsize": size, "color": ink, "linespacing": 1.25}
        plot.annotate(text, (angle, 1.09), **place, **look)


def caption(axes: list[Axis], every: list[Axis]) -> str:
    """What the chart's scale means, and which metrics are missing from it."""
    text = "Each axis is scaled over these methods: best on the rim, worst on the inner ring."
    if not has_area(axes):
        text += " Too few metrics for an area."
    absent = [axis.title for axis in every if axis not in axes]
    return f"{text}\nNot measured: {', '.join(absent)}." if absent else text


def save(figure: Figure, out: Path) -> None:
    """Write ``out``.png and ``out``.svg, without dates or random ids."""
    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None, "Creator": None})):
        fixed = matplotlib.rc_context({"svg.hashsalt": "radar"})
        with fixed, atomic(out.with_name(out.name + suffix)) as aside:
            figure.savefig(aside, format=suffix[1:], metadata=metadata, facecolor="white")


def measured_radar(table: Path, test_set: str, title: str) -> Figure:
    """Radar of one test set of a table written by benchmark.tables.quality."""
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns = [column for column in reader.fieldnames or () if column.endswith(("↑", "↓"))]
        every = list(reader)
    rows = [row for row in every if row["test_set"] == test_set and row.get("source", "measured") == "measured"]
    if not rows:
        known = ", ".join(dict.fromkeys(row["test_set"] for row in every))
        raise InputError(f"{table} has no test set {test_set}; it has {known}")
    rows = [row for row in rows if any(row[column] for column in columns)] or rows  # without those that failed
    axes = [Axis(column[:-1], column.endswith("↑"), [row[column] for row in rows]) for column in columns]
    images = f"{rows[0]['images']} images, " if rows[0]["images"] else ""
    subtitle = f"{rows[0]['preset'].capitalize()} results, measured: {images}protocol {rows[0]['protocol']}"
    return draw([row["method"] for row in rows], axes, title, subtitle)


def published_radar(path: Path, registry: metrics.Registry, test_set: str, title: str) -> Figure:
    """Radar of the published Table 1 for one test set."""
    rows = [row for row in published.load(path) if row.table == "table1" and row.test_set == test_set]
    if not rows:
        raise InputError(f"{path} has no Table 1 for the test set {test_set}")
    methods = list(dict.fromkeys(row.method for row in rows))
    axes = []
    for name, metric in registry["metrics"].items():
        printed = {row.method: row.printed for row in rows if row.metric == name}
        if printed:
            values = [printed.get(method, "") for method in methods]
            axes.append(Axis(metric["title"], metric["higher_is_better"], values))
    return draw(methods, axes, title, f"Published numbers, not measured here: {rows[0].source}")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.figures.radar", description=(__doc__ or "").split("\n")[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    radar = commands.add_parser("radar", help="of measured values")
    radar.add_argument("--table", type=Path, required=True, help="CSV of benchmark.tables.quality")
    other = commands.add_parser("published-radar", help="of published values")
    other.add_argument("--published", type=Path, required=True, help="CSV of published values")
    other.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    for command in (radar, other):
        command.add_argument("--test-set", required=True)
        command.add_argument("--title", help="heading (default: the test set)")
        command.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    matplotlib.rcdefaults()  # a user's matplotlibrc must not change the bytes
    title = args.title or args.test_set
    if args.command == "radar":
        figure = measured_radar(args.table, args.test_set, title)
    else:
        figure = published_radar(args.published, metrics.load(args.registry), args.test_set, title)
    save(figure, args.out)


if __name__ == "__main__":
    run(main)
