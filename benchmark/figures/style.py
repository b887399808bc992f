"""The style of all figures (colors, lines, fonts), and a way to save them whose bytes depend only on the data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.textpath import TextPath

from osediff.common.files import atomic

EMPHASIZED = "OSEDiff"
# Okabe and Ito's colors, which are distinct for any color vision; vermillion is reserved for the emphasized method.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#4D4D4D", "#8C6D31")
ACCENT, GRAY = "#D55E00", "#9A9A9A"
GRID, RING = "#E4E4E4", "#D8D8D8"
TEXT, SUBTITLE = "#555555", "#444444"
MARKERS = "sD^vPXh"
LineStyle = str | tuple[int, tuple[int, ...]]
STYLES: tuple[LineStyle, ...] = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)), "-")


def new_figure(width: float, height: float, dpi: int, constrained: bool = True) -> Figure:
    """Make an empty figure of ``width`` by ``height`` inches that draws without a display.

    A user's matplotlibrc does not change it.
    """
    matplotlib.rcdefaults()
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained" if constrained else None)
    FigureCanvasAgg(figure)
    return figure


def legend_label(title: str) -> str:
    """Return ``title`` as the label of a line: a legend leaves labels out that begin with an underscore."""
    return f" {title}" if title.startswith("_") else title


def tick_label(title: str) -> str:
    """Return ``title`` as the label of a tick, which gets its text when it is drawn: a dollar is no mathematics."""
    return title.replace("$", r"\$")


def width_of(texts: Iterable[str], size: float) -> float:
    """Return the width in inches of the widest of ``texts`` in the default font at ``size`` points."""
    return max((TextPath((0, 0), tick_label(text), size).get_extents().width / 72 for text in texts), default=0.0)


def plain_axes(plot: Axes, grid: str = "major") -> None:
    """Give axes a light grid and only two spines."""
    plot.grid(color=GRID, linewidth=0.6, which=grid)  # type: ignore[arg-type]
    plot.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, out: Path) -> None:
    """Write ``out``.png and ``out``.svg, without dates or random ids. Dollars in titles are no mathematics."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if is_math_text(text.get_text()):  # numbers at logarithmic axes, which are mathematics, get their text later
            text.set_parse_math(False)
    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None, "Creator": None})):
        fixed = matplotlib.rc_context({"svg.hashsalt": "radar"})
        with fixed, atomic(out.with_name(out.name + suffix)) as aside:
            figure.savefig(aside, format=suffix[1:], metadata=metadata, facecolor="white")
