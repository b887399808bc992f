"""Geometry of the page's charts: radar, efficiency and training curves. The template draws them as SVG.

A series is one method or training. The page's script switches series on and off, and titles of points show values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.evaluation import results
from benchmark.figures import curves, efficiency, radar
from benchmark.figures.costs import Cost, costs
from benchmark.report.page_data import Measured
from benchmark.tables.complexity import read_table as read_complexity

WIDTH, HEIGHT = 420, 260  # of a plot with two axes, in SVG units
LEFT, TOP, RIGHT, BOTTOM = 62, 12, 24, 34  # its margins


@dataclass(frozen=True)
class Point:
    """A point of a series, in SVG units, and what is shown for it."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Series:
    """One method or training: its name and its points. ``published``: drawn hollow."""

    name: str
    points: list[Point]
    published: bool = False

    @property
    def path(self) -> str:
        """Coordinates of a polyline or polygon."""
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)


@dataclass(frozen=True)
class Label:
    """A label at a place: lines of text and their alignment."""

    x: float
    y: float
    lines: list[str]
    anchor: str


@dataclass(frozen=True)
class Chart:
    """A chart with two axes, or a radar (then ``labels`` are its axes)."""

    title: str
    series: list[Series]
    labels: list[Label]
    x_title: str = ""
    note: str = ""

    @property
    def names(self) -> list[str]:
        """The names of its series."""
        return [item.name for item in self.series]

    @property
    def spokes(self) -> list[tuple[float, float]]:
        """The ends of a radar's axes."""
        return [around(angle, 1.0) for angle in radar.angles(self.labels)]


def around(angle: float, radius: float) -> tuple[float, float]:
    """Return the place at ``angle`` (clockwise from the top) and ``radius`` of a radar with radius 100."""
    return 100 * radius * math.sin(angle), -100 * radius * math.cos(angle)


def radar_chart(measured: Measured, test_set: str) -> Chart | None:
    """Make the radar of a test set, scaled as benchmark.figures.radar scales it; None with fewer than three axes."""
    spec, metrics = measured.spec.comparison, measured.metrics
    of_set = measured.frame[measured.frame["test_set"] == test_set]
    rows = {name: of_set[of_set["method"] == name] for name in spec.methods}
    names = [name for name, of_method in rows.items() if results.has_values(of_method)]
    axes = [
        radar.Axis(
            metrics[metric].heading,
            metrics[metric].higher_is_better,
            [metrics[metric].printed(results.mean(results.values(rows[name], metric))) for name in names],
        )
        for metric in spec.metrics
    ]
    if not names or not radar.has_area(axes):
        return None
    shown = radar.shown_axes(axes)
    angles = radar.angles(shown)
    titles = [spec.methods[name].title for name in names]
    series = []
    for index, title in enumerate(titles):
        points = []
        for angle, axis in zip(angles, shown, strict=True):
            x, y = around(angle, radar.radii(axis)[index])
            points.append(Point(x, y, f"{title}: {axis.title} {axis.values[index]}"))
        series.append(Series(title, points))
    labels = []
    for angle, axis in zip(angles, shown, strict=True):
        ranked = sorted(axis.values, key=float, reverse=axis.higher_is_better)
        x, y = around(angle, 1.1)
        y -= 12 if y < -80 else 0  # the lines of the topmost label
        anchor = "start" if x > 20 else "end" if x < -20 else "middle"
        labels.append(Label(x, y, [axis.title, f"{ranked[0]} … {ranked[-1]}"], anchor))
    missing = ", ".join(axis.title for axis in axes if axis not in shown)
    note = f"Not measured for every method: {missing}." if missing else ""
    return Chart(spec.test_sets[test_set].title, series, labels, note=note)


def scaled(value: float, low: float, high: float, start: float, end: float) -> float:
    """Map ``value`` from [low, high] to [start, end]; the middle if the range is empty."""
    return start + (end - start) * ((value - low) / (high - low) if high > low else 0.5)


def plot(title: str, lines: dict[str, list[tuple[float, float]]], x_title: str, log: bool = False) -> Chart:
    """Make a chart with two axes of ``lines``: (x, y) of each point, by title. ``log``: the x axis is logarithmic."""
    xs = [x for line in lines.values() for x, _ in line]
    ys = [y for line in lines.values() for _, y in line]
    low, high, bottom, top = min(xs), max(xs), min(ys), max(ys)

    def place(x: float, y: float) -> tuple[float, float]:
        share = (math.log(x), math.log(low), math.log(high)) if log else (x, low, high)
        return scaled(*share, LEFT, WIDTH - RIGHT), scaled(y, bottom, top, HEIGHT - BOTTOM, TOP)

    series = [
        Series(name, [Point(*place(x, y), f"{name}: {y:.4g} at {x:g}") for x, y in line])
        for name, line in lines.items()
    ]
    ends = [Label(LEFT - 6, place(low, y)[1] + 4, [f"{y:.4g}"], "end") for y in dict.fromkeys((bottom, top))]
    ends += [Label(place(x, bottom)[0], HEIGHT - BOTTOM + 16, [f"{x:g}"], "middle") for x in dict.fromkeys((low, high))]
    return Chart(title, series, ends, x_title)


def training_charts(measured: Measured) -> list[Chart]:
    """Make a chart of each logged quantity, with a line for each training."""
    logs = {}
    for training in measured.spec.trainings:
        path = Path(training.folder, "log.jsonl")
        if path.is_file():
            logs[training.title] = curves.read_log(path)
    charts = []
    for name, title in curves.PANELS.items():
        lines = {}
        for training_title, log in logs.items():
            found = curves.series([log], name)
            if found is not None:
                lines[training_title] = [(float(x), float(y)) for x, y in zip(found[0], found[1][0], strict=True)]
        if lines:
            charts.append(plot(title, lines, "step"))
    return charts


def efficiency_charts(measured: Measured, published_values: pd.DataFrame) -> list[Chart]:
    """Make charts over time from Table 2, if it was made: parameters, and the last metric on each test set.

    A quality is the published one for a published time, and the measured one for a measured time.
    """
    table = next((Path(name) for name in measured.spec.further if Path(name).name == "table2.csv"), None)
    if table is None or not table.is_file():
        return []
    found = costs(read_complexity(table))
    charts = [time_chart("Parameters (millions)", *efficiency.marks(found, lambda cost: cost.mparams, no_size))]
    spec, frame = measured.spec.comparison, measured.frame
    for test_set, entry in spec.test_sets.items():
        for metric in measured.image_metrics[-1:]:
            heights = efficiency.published_quality(published_values, test_set, metric)
            for method, shown in spec.methods.items():
                values = results.values(results.of(frame, method, test_set), metric)
                if len(values):
                    heights[shown.title, "measured"] = results.mean(values)
            charts.append(quality_chart(f"{measured.metrics[metric].heading} on {entry.title}", found, heights))
    return [chart for chart in charts if chart.series]


def quality_chart(title: str, found: list[Cost], heights: efficiency.Quality) -> Chart:
    """Make a chart of a quality over time."""
    return time_chart(title, *efficiency.marks(found, lambda cost: heights.get((cost.method, cost.source)), no_size))


def no_size(_: Cost) -> None:
    """Marks of these charts have one size."""


def time_chart(title: str, marks: list[efficiency.Mark], lacking: list[str]) -> Chart:
    """Make a chart of ``marks`` over time, without series if there are none; published marks are hollow."""
    title = f"{title} over seconds for one image"
    if not marks:
        return Chart(title, [], [])
    names = {f"{mark.cost.method} ({mark.cost.origin})": mark for mark in marks}
    lines = {name: [(mark.seconds, mark.height)] for name, mark in names.items()}
    chart = plot(title, lines, "seconds (log scale)", log=True)
    series = [Series(item.name, item.points, names[item.name].cost.source == "published") for item in chart.series]
    note = f"Not drawn for lack of a value: {', '.join(dict.fromkeys(lacking))}." if lacking else ""
    return Chart(chart.title, series, chart.labels, chart.x_title, note)


def names_of(charts: list[Chart]) -> list[str]:
    """Return the names of all series, each once."""
    return list(dict.fromkeys(name for chart in charts for name in chart.names))
