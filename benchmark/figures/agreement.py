"""Draw how far the metrics of a run agree, and which of its conclusions depend on the metric.

    python -m benchmark.figures.agreement --spec FILE.yaml --rows FILE.csv ... --pairs pairwise.csv --out results

The command writes these files below ``--out``. agreement.png (and .svg) has rank correlations of metrics on the left,
and on the right the method that each metric finds significantly better. agreement.md has all of it as tables, with
intervals. critical_difference.png (and .svg) ranks the methods over all images, metric by metric. The coefficients and
tests are those of ``benchmark.statistics.agreement``, ``critical_difference`` and ``pairwise``.
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
from benchmark.figures.style import ACCENT, COLORS, SUBTITLE, TEXT, new_figure, save
from benchmark.statistics import agreement
from benchmark.statistics.agreement import RESAMPLES, Conclusion, Correlation
from benchmark.statistics.pairwise import PAIRS
from benchmark.tables.inputs import Inputs, add_inputs, make_parser, read_inputs
from benchmark.tables.render import markdown
from benchmark.tables.specs import PRESETS, ComparisonSpec
from benchmark.tables.table import Column, Table, Value, plain_rows
from osediff.common.errors import run
from osediff.common.files import write_text

SHOWN = 18  # conclusions in the figure; the tables have all
FIRST, SECOND, UNDECIDED = COLORS[0], ACCENT, "#F0F0F0"


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
                color = "white" if strong and abs(value) > 0.65 else "black" if strong else "#8A8A8A"
                plot.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8.5, color=color)
    plot.imshow(numbers, cmap="RdBu", vmin=-1, vmax=1, aspect="equal")
    plot.set_xticks(range(len(names)), list(titles.values()), rotation=45, ha="right", fontsize=9)
    plot.set_yticks(range(len(names)), list(titles.values()), fontsize=9)
    plot.plot([-0.5, len(names) - 0.5], [-0.5, len(names) - 0.5], color=TEXT, linewidth=0.8)
    plot.tick_params(length=0)
    plot.spines[:].set_visible(False)
    about = "above the diagonal: Spearman over images and methods\nbelow: Kendall over the methods of an image"
    plot.set_title(about, fontsize=8.5, loc="left", color=SUBTITLE)


def verdicts(plot: Axes, found: list[Conclusion], titles: dict[str, str], labels: list[str]) -> None:
    """Draw a row for each conclusion and a cell for each metric, in the color of the better method."""
    for row, one in enumerate(found):
        for column, name in enumerate(titles):
            sides = ((one.for_first, FIRST), (one.for_second, SECOND), (one.undecided, UNDECIDED))
            color = next((color for side, color in sides if name in side), "white")
            plot.fill_between([column - 0.46, column + 0.46], row - 0.42, row + 0.42, color=color, linewidth=0)
    plot.set_xlim(-0.5, len(titles) - 0.5)
    plot.set_ylim(max(len(found), 1) - 0.5, -0.5)
    plot.set_xticks(range(len(titles)), list(titles.values()), rotation=45, ha="right", fontsize=9)
    plot.set_yticks(range(len(found)), labels, fontsize=8.5)
    plot.tick_params(length=0)
    plot.spines[:].set_visible(False)


def draw(inputs: Inputs[ComparisonSpec], correlations: list[Correlation], found: list[Conclusion]) -> Figure:
    """Draw the figure of these correlations and conclusions."""
    titles = {name: inputs.metrics[name].title for name in agreement.image_metrics(inputs)}
    shown = found[:SHOWN]
    labels = [
        f"{inputs.spec.test_sets[one.test_set].title}: {one.first} – {one.second}" + " *" * one.flips for one in shown
    ]
    # All sizes in inches: names of metrics stand left of the matrix and slanted below both panels.
    name, side = 0.3 + 0.075 * max(map(len, titles.values()), default=0), max(0.5 * len(titles), 2.0)
    label, wide, high = 0.3 + 0.066 * max(map(len, labels), default=10), 0.36 * len(titles), 0.25 * len(shown) + 0.1
    width, body = name + max(side, 3.6) + label + max(wide, 1.2) + 0.4, max(side, high)
    below, height = 0.5 + 0.8 * name, 0.95 + body + 0.5 + 0.8 * name
    figure = new_figure(width, height, dpi=160, constrained=False)

    def place(left: float, wanted_width: float, wanted_height: float) -> Axes:
        bottom = below + body - wanted_height
        return figure.add_axes((left / width, bottom / height, wanted_width / width, wanted_height / height))

    heatmap(place(name, side, side), correlations, titles)
    right = width - max(wide, 1.2) - 0.2
    verdicts(place(right, max(wide, 1.2), high), shown, titles, labels)
    keys = [
        Patch(color=FIRST, label="the first is better"),
        Patch(color=SECOND, label="the second is better"),
        Patch(color=UNDECIDED, label="not significant"),
    ]
    corner = ((width - 0.1) / width, (height - 0.5) / height)
    figure.legend(
        handles=keys, loc="upper right", bbox_to_anchor=corner, ncol=3, frameon=False, fontsize=8.5, columnspacing=1.2
    )
    figure.text(0.5, 1 - 0.12 / height, "Agreement of metrics", ha="center", va="top", fontsize=13, fontweight="bold")
    flips = sum(one.flips for one in found)
    about = (
        f"{inputs.spec.preset} preset; gray numbers: the 95 % interval contains 0; "
        f"* {flips} of {len(found)} conclusions are reversed by another metric"
    )
    figure.text(0.5, 0.1 / height, about, ha="center", fontsize=9, color=SUBTITLE)
    return figure


def page(inputs: Inputs[ComparisonSpec], correlations: list[Correlation], found: list[Conclusion]) -> str:
    """Write the tables of agreement.md."""
    titles = {name: inputs.metrics[name].title for name in inputs.spec.metrics}

    def printed(value: float, bounds: tuple[float, float]) -> str:
        return "" if np.isnan(value) else f"{value:.2f} ({bounds[0]:.2f} to {bounds[1]:.2f})"

    def named(metrics: tuple[str, ...]) -> str:
        return ", ".join(titles[name] for name in metrics)

    head = ("metric", "other", "Spearman, images", "Kendall, methods of an image")
    columns = [Column(title, title) for title in head]
    values: list[tuple[Value, ...]] = [
        (
            *(titles[one.first], titles[one.second]),
            *(printed(one.spearman, one.spearman_interval), printed(one.kendall, one.kendall_interval)),
        )
        for one in correlations
    ]
    matrix = Table(
        "Agreement of metrics",
        columns,
        [plain_rows(columns, values)],
        banner=PRESETS[inputs.spec.preset],
        notes=[
            "1: the metrics always agree, -1: never. Higher is better for each metric, since the sign of metrics such "
            f"as LPIPS is changed. In brackets: 95 % bootstrap interval over images ({RESAMPLES} resamples).",
        ],
    )
    heads = [
        Column(title, title)
        for title in ("test set", "method", "other", "method is better by", "other is better by", "no difference by")
    ]
    lines: list[tuple[Value, ...]] = [
        (
            *(inputs.spec.test_sets[one.test_set].title, one.first, one.second),
            *(named(one.for_first), named(one.for_second), named(one.undecided)),
        )
        for one in found
    ]
    flips = sum(one.flips for one in found)
    verdict = Table(
        "Conclusions",
        heads,
        [plain_rows(heads, lines)],
        notes=[
            f"{flips} of {len(found)} conclusions are reversed by another metric; they stand first. A method is "
            "better by a metric if the paired tests of `ranking.md` say so.",
        ],
    )
    return markdown(matrix) + "\n" + markdown(verdict, level=2)


def read_pairs(path: Path) -> pd.DataFrame:
    """Read pairwise.csv; it has no rows where no two methods could be compared. InputError if it is another file."""
    what = "a table of benchmark.statistics.pairwise; make it anew"
    if results.read_utf8(path, what).splitlines() == [",".join(PAIRS)]:
        return pd.DataFrame(columns=list(PAIRS))
    return results.read_rendered(path, PAIRS, ("difference",), what)


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.agreement", __doc__)
    add_inputs(parser, ComparisonSpec)
    parser.add_argument("--pairs", type=Path, required=True, help="pairwise.csv of benchmark.statistics.pairwise")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    args = parser.parse_args()
    inputs = read_inputs(args, ComparisonSpec)
    pairs = read_pairs(args.pairs)
    metrics = agreement.image_metrics(inputs)
    values = agreement.oriented_values(inputs, metrics)
    correlations = agreement.correlate(metrics, [of_set for _, of_set in values.values()])
    found = agreement.conclusions(pairs, metrics)
    save(draw(inputs, correlations, found), args.out / "agreement")
    write_text(args.out / "agreement.md", page(inputs, correlations, found))
    save(critical_difference.draw(inputs, metrics, values), args.out / "critical_difference")


if __name__ == "__main__":
    run(main)
