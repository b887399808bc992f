"""Draw Table 2 as bars: time, multiply-adds, parameters and trainable parameters of each method.

    python -m benchmark.figures.efficiency_bars --table2 results/table2.csv --out results/efficiency_bars

Bars of published figures are hollow, bars of what was measured or counted here are filled. All axes are logarithmic,
since figures of methods differ by a factor of 100.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmark.figures.costs import Cost, costs
from benchmark.figures.style import ACCENT, COLORS, EMPHASIZED, GRAY, new_figure, plain_axes, save, tick_label
from benchmark.tables.complexity import read_table
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run

PANELS = {
    "seconds": "seconds for a 512x512 image",
    "gmacs": "multiply-adds (G)",
    "mparams": "parameters (M)",
    "mparams_trainable": "trainable parameters (M)",
}


def look(cost: Cost) -> dict[str, Any]:
    """Return the color of a bar: hollow if published, filled if measured or counted here."""
    color = ACCENT if cost.method == EMPHASIZED else COLORS[0]
    if cost.source == "published":
        return {"facecolor": "white", "edgecolor": color, "linewidth": 1.6}
    return {"facecolor": color, "edgecolor": color, "linewidth": 1.6}


def draw_panel(plot: Axes, title: str, values: list[float | None], found: list[Cost]) -> None:
    """Draw the bars of one figure; a method without it has no bar."""
    present = [value for value in values if value]
    low, high = min(present), max(present)
    start = low / 3
    for place, (value, cost) in enumerate(zip(values, found, strict=True)):
        if value:
            plot.barh(place, value - start, left=start, height=0.72, **look(cost))
            plot.annotate(
                f"{value:g}", (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
            )
    plot.set_xscale("log")
    plot.set_xlim(start, high * (high / start) ** 0.22)
    plot.xaxis.set_major_formatter("{x:g}")
    plot.tick_params(labelsize=8)
    plot.set_title(title, fontsize=10, loc="left")
    plain_axes(plot)
    plot.set_axisbelow(True)
    plot.grid(axis="y", visible=False)


def draw(found: list[Cost]) -> Figure:
    """Draw the figure of these costs; InputError if there is none."""
    panels = {name: title for name, title in PANELS.items() if any(getattr(cost, name) for cost in found)}
    if not panels:
        raise InputError("no method has a time or a count to draw; count or time one first")
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(9.2, rows * (0.24 * len(found) + 0.75) + 0.9, dpi=180)
    plots = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
    for plot, (name, title) in zip(plots, panels.items(), strict=False):
        draw_panel(plot, title, [getattr(cost, name) for cost in found], found)
    for plot in plots[len(panels) :]:
        plot.set_visible(False)
    first = plots[0]
    first.set_yticks(range(len(found)), [tick_label(cost.method) for cost in found])
    first.set_ylim(len(found) - 0.4, -0.6)
    handles = [
        Patch(label=origin, edgecolor=GRAY, facecolor="white" if origin.startswith("published") else GRAY)
        for origin in dict.fromkeys(cost.origin for cost in found)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncol=min(3, len(handles)), frameon=False, fontsize=9)
    figure.suptitle("Cost of methods (log scales); times of different devices do not compare", fontsize=11.5)
    return figure


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.efficiency_bars", __doc__)
    parser.add_argument("--table2", type=Path, required=True, help="CSV of benchmark.tables.complexity")
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    save(draw(costs(read_table(args.table2))), args.out)


if __name__ == "__main__":
    run(main)
