"""Learning curves of an ablation: one line per variant, the spread over seeds around it, from the trainings' logs.

    python -m benchmark.figures.curves --spec FILE.yaml --out results/curves_table3

A line is the mean over seeds, and its band reaches from the lowest to the highest seed. Losses of batches are averaged
over the last few logged steps. Values of the validation crops are not averaged, since the crops are the same at every
step. The same logs give the same bytes of PNG and SVG.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmark.figures.style import ACCENT, COLORS, STYLES, SUBTITLE, legend_label, new_figure, plain_axes, save
from benchmark.tables.specs import CurvesSpec
from osediff.common import settings
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import read_text

Log = dict[str, dict[int, float]]  # logged values by name and step
Series = tuple[NDArray[np.int64], NDArray[np.float64]]  # steps (n,) and values (seeds, n)
# What osediff.train logs, in the order of the panels: title and unit.
PANELS = {
    "validation_psnr": "PSNR on validation crops (dB) ↑",
    "validation_perceptual": "perceptual distance on validation crops ↓",
    "mse": "training: mean squared error",
    "perceptual": "training: perceptual distance",
    "vsd": "training: VSD loss",
    "gan": "training: GAN loss",
    "diffusion": "regularizer: diffusion loss",
    "discriminator": "discriminator: loss",
}
WINDOW = 5  # logged steps that a training loss is averaged over


def read_log(path: Path) -> Log:
    """Read logged values by name and step; InputError if the file is not a log of osediff.train."""
    values: Log = {}
    try:
        for line in read_text(path, "a training log").splitlines():
            entry = json.loads(line)
            if "diverged" in entry:
                continue
            for name, value in entry.items():
                if name in PANELS:
                    values.setdefault(name, {})[entry["step"]] = float(value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: not a training log ({error}); train the variant again") from error
    return values


def series(logs: list[Log], name: str) -> Series | None:
    """Collect one quantity at the steps where every seed has it; None if it is absent."""
    of_seeds = [log[name] for log in logs if log.get(name)]
    if not of_seeds:
        return None
    steps = sorted(set.intersection(*(set(values) for values in of_seeds)))
    values = np.array([[values[step] for step in steps] for values in of_seeds])
    if not name.startswith("validation"):
        values = np.array([[row[max(0, i - WINDOW + 1) : i + 1].mean() for i in range(len(row))] for row in values])
    return np.array(steps), values


def draw_panel(plot: Axes, title: str, lines: dict[str, Series], order: list[str], default: str) -> None:
    """Draw one panel: a line and a band for each variant that has the quantity."""
    others = [name for name in order if name != default]
    for variant, (steps, values) in lines.items():
        emphasized = variant == default
        rank = 0 if emphasized else others.index(variant)
        color = ACCENT if emphasized else COLORS[rank % len(COLORS)]
        style: Any = "-" if emphasized else STYLES[rank % len(STYLES)]
        look = {"color": color, "linestyle": style, "linewidth": 2.2 if emphasized else 1.5}
        plot.plot(steps, values.mean(axis=0), label=legend_label(variant), zorder=4 if emphasized else 3, **look)
        if len(values) > 1:
            plot.fill_between(steps, values.min(axis=0), values.max(axis=0), color=color, alpha=0.15, linewidth=0)
    plot.set_title(title, fontsize=10.5, loc="left")
    plot.set_xlabel("step", fontsize=9)
    plot.tick_params(labelsize=8.5)
    plain_axes(plot)


def draw(spec: CurvesSpec) -> Figure:
    """Draw the figure of ``spec``; InputError if no log holds anything to draw."""
    logs = {title: [read_log(Path(path)) for path in paths] for title, paths in spec.rows.items()}
    panels: dict[str, dict[str, Series]] = {}
    for name in PANELS:
        for title, of_seeds in logs.items():
            line = series(of_seeds, name)
            if line is not None:
                panels.setdefault(name, {})[title] = line
    if not panels:
        raise InputError(f"the logs of {spec.title} hold nothing to draw; train its variants again")
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(5.4 * columns, 3.1 * rows + 1.3, dpi=160)
    plots = figure.subplots(rows, columns, squeeze=False).flatten()
    for plot, (name, lines) in zip(plots, panels.items(), strict=False):
        draw_panel(plot, PANELS[name], lines, list(logs), spec.default)
    for plot in plots[len(panels) :]:
        plot.set_visible(False)
    handles = {h: label for plot in plots for h, label in zip(*plot.get_legend_handles_labels(), strict=True)}
    by_label = {label: handle for handle, label in reversed(handles.items())}
    ordered = {label: by_label[label] for label in map(legend_label, logs) if label in by_label}
    figure.legend(ordered.values(), ordered.keys(), loc="outside lower center", ncol=4, frameon=False, fontsize=9.5)
    seeds = max(map(len, spec.rows.values()))
    spread = f"; lines are means over {seeds} seeds, bands their range" if seeds > 1 else ""
    figure.suptitle(f"{spec.title}\n", fontsize=13, fontweight="bold")
    about = f"{spec.preset} preset{spread}; training losses are running means of {WINDOW} logged steps"
    figure.text(0.5, 0.965, about, ha="center", va="top", fontsize=9.5, color=SUBTITLE)
    return figure


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.figures.curves", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML: CurvesSpec of benchmark.tables.specs")
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    save(draw(settings.read(args.spec, CurvesSpec)), args.out)


if __name__ == "__main__":
    run(main)
