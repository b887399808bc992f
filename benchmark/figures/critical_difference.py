"""Draw critical differences: the mean rank of each method over all images, a panel for each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.style import ACCENT, COLORS, EMPHASIZED, SUBTITLE, TEXT, new_figure, plain_axes, width_of
from benchmark.statistics.bootstrap import LEVEL, Array
from benchmark.statistics.critical_difference import Ranking, rank
from benchmark.tables.inputs import Inputs
from benchmark.tables.specs import ComparisonSpec

COLUMNS = 3  # of panels, at most
PLOT, WIDEST = 2.6, 13.5  # inches: a panel without the names of its methods, and the figure, at most
NAMES = 8.5  # size of the names, in points


def rankings(
    inputs: Inputs[ComparisonSpec], metrics: Sequence[str], values: Mapping[str, tuple[list[str], Array]]
) -> list[Ranking]:
    """Rank the methods by each metric over the images of all test sets that have it.

    ``values`` are those of ``agreement.oriented_values``. Methods that a test set lacks are left out of the metric.
    """
    found = []
    for index, name in enumerate(metrics):
        having = [(methods, of_set[:, :, index]) for methods, of_set in values.values()]
        having = [(methods, of_metric) for methods, of_metric in having if not np.isnan(of_metric).any()]
        common = [method for method in inputs.spec.methods if having and all(method in m for m, _ in having)]
        if len(common) > 1:
            blocks = [of_metric[:, [methods.index(method) for method in common]] for methods, of_metric in having]
            titles = [inputs.spec.methods[method].title for method in common]
            found.append(rank(name, titles, np.concatenate(blocks)))
    return found


def panel(plot: Axes, ranking: Ranking, title: str) -> None:
    """Draw one metric: a dot for each method at its mean rank, and lines that join methods without a difference."""
    count = len(ranking.methods)
    for place, (method, mean) in enumerate(zip(ranking.methods, ranking.ranks, strict=True)):
        emphasized = method.startswith(EMPHASIZED)
        plot.plot(mean, place, "o", color=ACCENT if emphasized else COLORS[0], markersize=7, zorder=3)
        plot.annotate(f"{mean:.2f}", (mean, place), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=8)
    span = count - 1
    for index, (first, last) in enumerate(ranking.groups):
        x = count + 0.12 * span + 0.07 * span * index
        plot.plot([x, x], [first - 0.2, last + 0.2], color=TEXT, linewidth=3.5, solid_capstyle="round", clip_on=False)
    width = min(ranking.critical_difference, span)
    plot.plot([1, 1 + width], [count - 0.35] * 2, color=TEXT, linewidth=1.5, marker="|", markersize=6)
    plot.annotate(
        f"critical difference {ranking.critical_difference:.2f}",
        (1 + width, count - 0.35),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
        color=SUBTITLE,
    )
    plot.set_xlim(1 - 0.08 * span, count + 0.2 * span + 0.07 * span * max(0, len(ranking.groups) - 1))
    plot.set_ylim(count, -0.75)
    plot.set_yticks(range(count), ranking.methods)
    plot.set_xticks(range(1, count + 1))
    plot.tick_params(labelsize=NAMES)
    p = "p < 0.001" if ranking.p < 0.001 else f"p = {ranking.p:.3f}"
    plot.set_title(title, fontsize=10, fontweight="bold", loc="left", pad=18)
    about = f"{ranking.images} images, Friedman {p}"
    plot.annotate(about, (0, 1), xycoords="axes fraction", xytext=(0, 6), textcoords="offset points", fontsize=8)
    plain_axes(plot)
    plot.grid(axis="y", visible=False)


def draw(
    inputs: Inputs[ComparisonSpec], metrics: Sequence[str], values: Mapping[str, tuple[list[str], Array]]
) -> Figure:
    """Draw the figure; it says so if there are not two methods to rank."""
    found = rankings(inputs, metrics, values)
    height = max((len(ranking.methods) for ranking in found), default=1)
    names = width_of((method for ranking in found for method in ranking.methods), NAMES)
    columns = max(1, min(COLUMNS, len(found), int(WIDEST / (names + PLOT))))
    rows = max(1, -(-len(found) // columns))
    figure = new_figure(max((names + PLOT) * columns, 5.5), rows * (0.36 * height + 1.1) + 1.1, dpi=160)
    plots = figure.subplots(rows, columns, squeeze=False).flatten()
    for plot, ranking in zip(plots, found, strict=False):
        panel(plot, ranking, inputs.metrics[ranking.metric].title)
    for plot in plots[len(found) :]:
        plot.set_visible(False)
    figure.suptitle("Mean rank over all images, 1 is best", fontsize=13, fontweight="bold")
    about = f"vertical lines join methods that do not differ at {LEVEL:.0%} (Friedman's and Nemenyi's tests)"
    figure.supxlabel(about if found else "fewer than two methods were measured", fontsize=9, color=SUBTITLE)
    return figure
