"""Draw how far the metrics of a run agree, and which of its conclusions depend on the metric.

    python -m benchmark.figures.agreement --spec FILE.yaml --rows FILE.csv ... --pairs pairwise.csv --out results

The command writes these files below ``--out``. agreement.png (and .svg) has rank correlations of metrics above, and
below them the method that each metric finds significantly better. agreement.md has all of it as tables, with
intervals, and agreement.csv the correlations. critical_difference.png (and .svg) ranks the methods over all images,
metric by metric. The coefficients and tests are those of ``benchmark.statistics.agreement``, ``critical_difference``
and ``pairwise``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmark.evaluation import results
from benchmark.figures import critical_difference
from benchmark.figures.style import ACCENT, COLORS, SUBTITLE, TEXT, new_figure, save, width_of
from benchmark.statistics import agreement
from benchmark.statistics.agreement import Conclusion, Correlation
from benchmark.statistics.pairwise import PAIRS
from benchmark.tables.agreement import conclusions_table, correlations_table
from benchmark.tables.inputs import Inputs, add_inputs, make_parser, read_inputs
from benchmark.tables.render import csv_text, markdown
from benchmark.tables.specs import PRESETS, ComparisonSpec
from osediff.common.errors import InputError, run
from osediff.common.files import write_text

SHOWN = 18  # conclusions in the figure; the tables have all
FIRST, SECOND, UNDECIDED = COLORS[0], ACCENT, "#F0F0F0"
CELL, LINE = 0.5, 0.27  # inches: a side of the matrix's cells, a row of the conclusions
SMALL, MIDDLE = 8.5, 9.5  # sizes of texts, in points


def heatmap(plot: Axes, correlations: list[Correlation], titles: dict[str, str]) -> None:
    """Draw the matrix: Spearman above the diagonal, Kendall below, pale where the interval contains 0."""
    names = list(titles)
    numbers = np.full((len(names), len(names)), np.nan)
    for one in correlations:
        i, j = names.index(one.first), names.index(one.second)
        numbers[i, j], numbers[j, i] = one.spearman, one.kendall
        for row, column, value, (low, high) in (
            (i, j, one.spearman, one.spearman_interval),
            (j, i, one.kendall, one.kendall_interval),
        ):
            if not np.isnan(value):
                strong = not low <= 0 <= high
                color = "white" if strong and abs(value) > 0.65 else "black" if strong else "#707070"
                plot.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=SMALL, color=color)
    plot.imshow(numbers, cmap="RdBu", vmin=-1, vmax=1, aspect="equal")
    plot.plot([-0.5, len(names) - 0.5], [-0.5, len(names) - 0.5], color=TEXT, linewidth=0.8)
    label(plot, titles, list(titles.values()))


def verdicts(plot: Axes, found: list[Conclusion], titles: dict[str, str], labels: list[str]) -> None:
    """Draw a row for each conclusion and a cell for each metric, in the color of the better method."""
    for row, one in enumerate(found):
        for column, name in enumerate(titles):
            sides = ((one.for_first, FIRST, "←"), (one.for_second, SECOND, "→"), (one.undecided, UNDECIDED, ""))
            for _, color, arrow in (side for side in sides if name in side[0]):
                plot.fill_between([column - 0.46, column + 0.46], row - 0.42, row + 0.42, color=color, linewidth=0)
                plot.text(column, row, arrow, ha="center", va="center", fontsize=MIDDLE, color="white")
    plot.set_xlim(-0.5, len(titles) - 0.5)
    plot.set_ylim(max(len(found), 1) - 0.5, -0.5)
    label(plot, titles, labels)


def label(plot: Axes, titles: dict[str, str], rows: list[str]) -> None:
    """Write the names of the metrics above the columns of a panel, and the names of its rows on its left."""
    plot.xaxis.tick_top()
    plot.set_xticks(range(len(titles)), list(titles.values()), rotation=35, ha="left", rotation_mode="anchor")
    plot.set_yticks(range(len(rows)), rows)
    plot.tick_params(length=0, labelsize=MIDDLE)
    plot.spines[:].set_visible(False)


def draw(inputs: Inputs[ComparisonSpec], correlations: list[Correlation], found: list[Conclusion]) -> Figure:
    """Draw the figure of these correlations and conclusions."""
    titles = {name: inputs.metrics[name].title for name in agreement.image_metrics(inputs)}
    shown, count = found[:SHOWN], max(len(titles), 1)
    labels = [
        f"{inputs.spec.test_sets[one.test_set].title}: {one.first} – {one.second}" + " *" * one.flips for one in shown
    ]
    flips = sum(one.flips for one in found)
    about = [
        "above the diagonal: Spearman over images and methods; below: Kendall over the methods of an image",
        f"gray numbers: the 95 % interval contains 0; {inputs.spec.preset} preset",
    ]
    reversed_ = f"* reversed by another metric: {flips} of {len(found)} conclusions"
    reversed_ += f", of which the first {SHOWN} are shown" if len(found) > SHOWN else ""
    # All sizes in inches. Names of metrics stand slanted above both panels.
    left = 0.3 + max(width_of(titles.values(), MIDDLE), width_of(labels, MIDDLE))
    slant = width_of(titles.values(), MIDDLE)
    head, side, high = 0.2 + 0.6 * slant, CELL * count, LINE * max(len(shown), 1)
    width = max(left + side + 0.85 * slant + 0.2, 0.4 + width_of(about, SMALL))
    tops = [0.45, 0.45 + 0.75 + head + side + 0.35]  # of the texts above each panel, from the top of the figure
    height = tops[1] + 0.75 + head + high + 0.15
    figure = new_figure(width, height, dpi=160, constrained=False)

    def write(top: float, heading: str, lines: list[str]) -> None:
        figure.text(0.15 / width, 1 - top / height, heading, va="top", fontsize=11, fontweight="bold")
        text = "\n".join(lines)
        figure.text(0.15 / width, 1 - (top + 0.25) / height, text, va="top", fontsize=SMALL, color=SUBTITLE)

    def place(top: float, wanted_height: float) -> Axes:
        bottom = height - top - 0.75 - head - wanted_height
        return figure.add_axes((left / width, bottom / height, side / width, wanted_height / height))

    figure.text(0.5, 1 - 0.12 / height, "Agreement of metrics", ha="center", va="top", fontsize=13, fontweight="bold")
    write(tops[0], "Rank correlations", about)
    if titles:
        heatmap(place(tops[0], side), correlations, titles)
    write(tops[1], "Which method is significantly better by each metric", [reversed_])
    if shown:
        verdicts(place(tops[1], high), shown, titles, labels)
    keys = [
        Patch(color=FIRST, label="← the first"),
        Patch(color=SECOND, label="→ the second"),
        Patch(color=UNDECIDED, label="neither"),
    ]
    corner = (0.1 / width, 1 - (tops[1] + 0.4) / height)
    figure.legend(
        handles=keys, loc="upper left", bbox_to_anchor=corner, ncol=3, frameon=False, fontsize=SMALL, columnspacing=1.2
    )
    return figure


def page(inputs: Inputs[ComparisonSpec], correlations: list[Correlation], found: list[Conclusion]) -> str:
    """Write the tables of agreement.md."""
    matrix = correlations_table(inputs.metrics, correlations, PRESETS[inputs.spec.preset])
    verdict = conclusions_table(inputs.spec, inputs.metrics, found)
    return markdown(matrix) + "\n" + markdown(verdict, level=2)


def read_pairs(path: Path, spec: ComparisonSpec) -> pd.DataFrame:
    """Read pairwise.csv; it has no rows where no two methods could be compared. InputError if it is of other sets."""
    what = "a table of benchmark.statistics.pairwise; make it anew"
    if results.read_utf8(path, what).splitlines() == [",".join(PAIRS)]:
        return pd.DataFrame(columns=list(PAIRS))
    pairs = results.read_rendered(path, PAIRS, ("difference",), what)
    if others := sorted(set(pairs["test_set"]) - set(spec.test_sets)):
        raise InputError(f"{path}: has the test set {others[0]}, which the spec has not; make it anew")
    return pairs


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.agreement", __doc__)
    add_inputs(parser, ComparisonSpec)
    parser.add_argument("--pairs", type=Path, required=True, help="pairwise.csv of benchmark.statistics.pairwise")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    args = parser.parse_args()
    inputs = read_inputs(args, ComparisonSpec)
    pairs = read_pairs(args.pairs, inputs.spec)
    metrics = agreement.image_metrics(inputs)
    values = agreement.oriented_values(inputs, metrics)
    correlations = agreement.correlate(metrics, [of_set for _, of_set in values.values()])
    found = agreement.conclusions(pairs, metrics)
    save(draw(inputs, correlations, found), args.out / "agreement")
    write_text(args.out / "agreement.md", page(inputs, correlations, found))
    write_text(args.out / "agreement.csv", csv_text(correlations_table(inputs.metrics, correlations)))
    save(critical_difference.draw(inputs, metrics, values), args.out / "critical_difference")


if __name__ == "__main__":
    run(main)
