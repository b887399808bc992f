"""Draw the votes of the paper's user study (Figure 6), which are published numbers; nothing is measured here.

python -m benchmark.figures.user_study --published config/published/user-study.csv --out results/user_study
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from benchmark.data import published
from benchmark.evaluation import results
from benchmark.figures.style import ACCENT, COLORS, EMPHASIZED, SUBTITLE, new_figure, plain_axes, save
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run

ABOUT = "15 volunteers chose the best of seven results for each of 20 images of RealLR200."


def draw(values: pd.DataFrame) -> Figure:
    """Draw a hollow bar for each method, the most votes first; InputError if ``values`` has no votes."""
    votes = values[values["metric"] == "votes"].sort_values("value", kind="stable")
    if votes.empty:
        raise InputError("there are no published votes; name config/published/user-study.csv")
    total = votes["value"].sum()
    figure = new_figure(6.4, 0.42 * len(votes) + 1.3, dpi=180)
    plot = figure.add_subplot()
    colors = [ACCENT if method == EMPHASIZED else COLORS[0] for method in votes["method"]]
    bars = plot.barh(votes["method"], votes["value"], facecolor="white", edgecolor=colors, linewidth=1.6)
    plot.bar_label(bars, [f"{value:.0f} ({value / total:.0%})" for value in votes["value"]], padding=4, fontsize=9)
    plot.set_xlim(0, votes["value"].max() * 1.18)
    plot.set_xlabel(f"votes of {total:.0f}", fontsize=10)
    plain_axes(plot)
    plot.set_axisbelow(True)
    plot.grid(axis="y", visible=False)
    plot.set_title("User study", fontsize=12.5, fontweight="bold", loc="left", pad=36)
    about = f"Published, not measured here: {votes['source'].iloc[0]}.\n{ABOUT}"
    plot.text(0, 1.02, about, transform=plot.transAxes, fontsize=8.5, color=SUBTITLE)
    return figure


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.user_study", __doc__)
    parser.add_argument("--published", type=Path, required=True, help="CSV of published votes")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    save(draw(published.load([args.published], results.read_metrics(args.registry))), args.out)


if __name__ == "__main__":
    run(main)
