"""Figure 1(b): time against quality, a bubble by multiply-adds; rendered from tables alone.

    python -m benchmark.figures.efficiency --table2 results/table2.csv --quality results/table1.csv --published FILE.csv ...
        --test-set drealsr --metric CLIPIQA --out results/efficiency

Published and measured marks never look alike: published ones are hollow circles in gray, of the paper's A100; measured
ones are filled, and their device is named. Where the metric was not measured, the axis is parameters. A method needs a
time, and a quality or a number of parameters; what lacks one is named below the figure.
"""

from __future__ import annotations

import argparse
import csv
import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.data import published
from benchmark.figures.radar import ACCENT, COLORS, EMPHASIZED, GRAY, save
from osediff.common.errors import InputError, run

AREA = 900  # points squared of the largest bubble


@dataclass(frozen=True)
class Mark:
    """One method: seconds an image, height (quality or millions of parameters), G multiply-adds, where from."""

    method: str
    seconds: float
    height: float
    gmacs: float | None
    source: str  # "published" or "measured"
    device: str


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); render it first") from error


def number(text: str | None) -> float | None:
    """The number in a cell; None where it is empty."""
    return float(text) if text else None


def quality_of(
    tables: list[published.Published], measured: list[dict[str, str]], test_set: str, metric: str
) -> dict[tuple[str, str], float]:
    """The metric by (method, source), published from Table 1 and measured from its CSV."""
    found = {
        (value.method, "published"): value.value
        for value in tables
        if (value.table, value.test_set, value.metric) == ("table1", test_set, metric.lower())
    }
    for row in measured:
        column = next((key for key in row if key[:-1] == metric), "")
        if row["test_set"] == test_set and row.get(column) and row["preset"] != "published":
            found[row["method"], "measured"] = float(row[column])
    return found


def marks(
    rows: list[dict[str, str]], quality: dict[tuple[str, str], float], by_quality: bool
) -> tuple[list[Mark], list[str]]:
    """What can be drawn, and the methods that cannot. A measured time takes parameters and multiply-adds as counted."""
    found, lacking = [], []
    counted = {row["method"]: row for row in reversed(rows) if row["source"] == "counted"}
    for row in rows:
        if row["source"] == "counted" or not row["seconds"]:
            continue
        facts = row if row["source"] == "published" else counted.get(row["method"], row)
        height = quality.get((row["method"], row["source"])) if by_quality else number(facts["mparams"])
        if height is None:
            lacking.append(row["method"])
            continue
        mark = Mark(row["method"], float(row["seconds"]), height, number(facts["gmacs"]), row["source"], row["device"])
        found.append(mark)
    return found, lacking


def draw(found: list[Mark], lacking: list[str], label: str, title: str) -> Figure:
    """The scatter of ``found``; InputError where there is nothing to draw."""
    if not found:
        raise InputError("no method has both a time and a value to draw; measure or count one first")
    figure = Figure(figsize=(8.2, 5.4), dpi=180, layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot()
    largest = max((mark.gmacs or 0 for mark in found), default=1) or 1
    methods = list(dict.fromkeys(mark.method for mark in found if mark.method != EMPHASIZED))
    heights = sorted(mark.height for mark in found)
    spread = (heights[-1] - heights[0]) or 1.0
    for mark in sorted(found, key=lambda each: -(each.gmacs or 0)):
        color = ACCENT if mark.method == EMPHASIZED else COLORS[methods.index(mark.method) % len(COLORS)]
        area = max(30.0, AREA * math.sqrt((mark.gmacs or 0) / largest))
        hollow = mark.source == "published"
        look = {"facecolors": "none", "edgecolors": color} if hollow else {"facecolors": color, "edgecolors": "black"}
        plot.scatter([mark.seconds], [mark.height], s=area, linewidths=1.6, alpha=0.9, zorder=3, **look)  # type: ignore[arg-type]
        weight = "bold" if mark.method == EMPHASIZED else "normal"
        # Above its mark, unless another one lies there.
        crowded = any(
            0 < other.height - mark.height < 0.2 * spread and abs(math.log10(other.seconds / mark.seconds)) < 0.15
            for other in found
        )
        away = (math.sqrt(area / math.pi) + 4) * (-1 if crowded else 1)
        place: dict[str, Any] = {"xytext": (0, away), "textcoords": "offset points"}
        text: dict[str, Any] = {"ha": "center", "va": "top" if crowded else "bottom", "fontsize": 9.5}
        text |= {"color": color, "fontweight": weight}
        plot.annotate(mark.method, (mark.seconds, mark.height), **place, **text)
    plot.set_xscale("log")
    low, high = min(mark.seconds for mark in found), max(mark.seconds for mark in found)
    plot.set_xlim(low / 2, high * 2)
    plot.set_ylim(heights[0] - 0.12 * spread, heights[-1] + 0.2 * spread)
    plot.xaxis.set_major_formatter("{x:g}")
    plot.set_xlabel("seconds for one 512x512 image (log scale)", fontsize=10)
    plot.set_ylabel(label, fontsize=10)
    plot.grid(color="#E4E4E4", linewidth=0.6, which="both")
    plot.spines[["top", "right"]].set_visible(False)
    devices = dict.fromkeys((mark.source, mark.device) for mark in found)
    handles = []
    for source, device in devices:
        face = "none" if source == "published" else GRAY
        drawn: dict[str, Any] = {
            "marker": "o",
            "markersize": 9,
            "markeredgewidth": 1.6,
            "color": "black",
            "markerfacecolor": face,
        }
        handles.append(Line2D([], [], linestyle="", label=f"{source}: {device}", **drawn))
    figure.legend(handles=handles, loc="outside lower center", ncol=min(2, len(handles)), frameon=False, fontsize=9)
    about = "Area: square root of the multiply-adds. Times of different devices do not compare."
    about += f" Not drawn for lack of a value: {', '.join(dict.fromkeys(lacking))}." if lacking else ""
    lines = textwrap.wrap(about, 100)
    plot.set_title(title, fontsize=12.5, fontweight="bold", loc="left", pad=10 + 12 * len(lines))
    plot.text(0, 1.02, "\n".join(lines), transform=plot.transAxes, fontsize=8.5, color="#555555")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.figures.efficiency", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--table2", type=Path, required=True, help="CSV of benchmark.tables.complexity")
    parser.add_argument("--quality", type=Path, help="CSV of benchmark.tables.quality, for measured quality")
    parser.add_argument("--published", type=Path, required=True, help="CSV of the published Table 1")
    parser.add_argument("--test-set", default="drealsr")
    parser.add_argument("--metric", default="CLIPIQA", help="title of the metric that is the height")
    parser.add_argument("--by", choices=["quality", "parameters"], default="quality")
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    matplotlib.rcdefaults()  # a user's matplotlibrc must not change the bytes
    measured = read(args.quality) if args.quality else []
    quality = quality_of(published.load(args.published), measured, args.test_set, args.metric)
    found, lacking = marks(read(args.table2), quality, args.by == "quality")
    label = f"{args.metric} on {args.test_set}" if args.by == "quality" else "parameters (M)"
    save(draw(found, lacking, label, f"Time and {args.by}"), args.out)


if __name__ == "__main__":
    run(main)
