"""Learning curves of an ablation: one line per variant, the spread over seeds around it, from the trainings' logs.

    python -m benchmark.figures.curves --spec JSON --out results/curves_table3

``--spec`` is that of ``workflow.planning.ablations.curves``. A line is the mean over seeds, its band reaches from the lowest to
the highest seed. Losses of single batches are averaged over the last few logged steps, the validation crops are not:
they are the same at every step. PNG and SVG are the same bytes for the same logs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmark.figures.radar import ACCENT, COLORS, STYLES, save
from osediff.common.errors import InputError, run

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


def read_log(path: Path) -> dict[str, dict[int, float]]:
    """Logged values by name and step; InputError where the file is not a log of osediff.train."""
    found: dict[str, dict[int, float]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if "diverged" in entry:
                continue
            for name, value in entry.items():
                if name in PANELS:
                    found.setdefault(name, {})[entry["step"]] = float(value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a training log ({error}); train the variant again") from error
    return found


def series(logs: list[dict[str, dict[int, float]]], name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Steps (n,) and values (seeds, n) of one quantity, where every seed has it; None where it is absent."""
    of_seeds = [log[name] for log in logs if log.get(name)]
    if not of_seeds:
        return None
    steps = sorted(set.intersection(*(set(values) for values in of_seeds)))
    values = np.array([[values[step] for step in steps] for values in of_seeds])
    if not name.startswith("validation"):
        values = np.array([[row[max(0, i - WINDOW + 1) : i + 1].mean() for i in range(len(row))] for row in values])
    return np.array(steps), values


def panel(
    plot: Axes, title: str, lines: dict[str, tuple[np.ndarray, np.ndarray]], order: list[str], default: str
) -> None:
    """One panel: a line and a band for each variant that has the quantity."""
    for variant, (steps, values) in lines.items():
        rank = [name for name in order if name != default].index(variant) if variant != default else 0
        emphasized = variant == default
        color = ACCENT if emphasized else COLORS[rank % len(COLORS)]
        style: Any = "-" if emphasized else STYLES[rank % len(STYLES)]
        look = {"color": color, "linestyle": style, "linewidth": 2.2 if emphasized else 1.5}
        plot.plot(steps, values.mean(axis=0), label=variant, zorder=4 if emphasized else 3, **look)
        if len(values) > 1:
            plot.fill_between(steps, values.min(axis=0), values.max(axis=0), color=color, alpha=0.15, linewidth=0)
    plot.set_title(title, fontsize=10.5, loc="left")
    plot.set_xlabel("step", fontsize=9)
    plot.tick_params(labelsize=8.5)
    plot.grid(color="#E4E4E4", linewidth=0.6)
    plot.spines[["top", "right"]].set_visible(False)


def draw(spec: dict[str, Any]) -> Figure:
    """The figure of ``spec``; InputError where no log holds anything to draw."""
    logs = {title: [read_log(Path(path)) for path in paths] for title, paths in spec["rows"].items()}
    found = {name: {title: series(of_seeds, name) for title, of_seeds in logs.items()} for name in PANELS}
    panels = {name: {t: line for t, line in lines.items() if line} for name, lines in found.items()}
    panels = {name: lines for name, lines in panels.items() if lines}
    if not panels:
        raise InputError(f"the logs of {spec['title']} hold nothing to draw; train its variants again")
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.4 * columns, 3.1 * rows + 1.3), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    plots = figure.subplots(rows, columns, squeeze=False).flatten()
    for plot, (name, lines) in zip(plots, panels.items(), strict=False):
        panel(plot, PANELS[name], lines, list(logs), spec["default"])
    for plot in plots[len(panels) :]:
        plot.set_visible(False)
    handles = {h: label for plot in plots for h, label in zip(*plot.get_legend_handles_labels(), strict=True)}
    by_label = {label: handle for handle, label in reversed(handles.items())}
    ordered = {title: by_label[title] for title in logs if title in by_label}
    figure.legend(ordered.values(), ordered.keys(), loc="outside lower center", ncol=4, frameon=False, fontsize=9.5)
    seeds = max(map(len, spec["rows"].values()))
    spread = f"; lines are means over {seeds} seeds, bands their range" if seeds > 1 else ""
    figure.suptitle(f"{spec['title']}\n", fontsize=13, fontweight="bold")
    about = f"{spec['preset']} preset{spread}; training losses are running means of {WINDOW} logged steps"
    figure.text(0.5, 0.965, about, ha="center", va="top", fontsize=9.5, color="#444444")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.figures.curves", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON of workflow.planning.ablations.curves")
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .png and .svg are written")
    args = parser.parse_args()
    lacking = {"preset", "title", "default", "rows"} - args.spec.keys()
    if lacking:
        raise InputError(f"--spec lacks {', '.join(sorted(lacking))}")
    matplotlib.rcdefaults()  # a user's matplotlibrc must not change the bytes
    save(draw(args.spec), args.out)


if __name__ == "__main__":
    run(main)
