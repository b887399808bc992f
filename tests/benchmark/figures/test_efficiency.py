"""Figure 1(b): what is drawn and said, and what happens where something is missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from benchmark.data import published
from benchmark.figures import efficiency
from benchmark.figures.costs import Cost, costs
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS
from tests.helpers import ROOT

TABLE = pd.DataFrame(
    [
        ("OSEDiff", "counted", "1", "", "", "2244.3", "1290.0", "8.5"),
        ("OSEDiff", "measured", "1", "0.05", "Some GPU", "", "", ""),
        ("OSEDiff", "published", "1", "0.11", "A100", "2265", "1775", "8.5"),
        ("SeeSR", "published", "50", "4.30", "A100", "65857", "2524", "749.9"),
        ("BSRGAN", "counted", "1", "", "", "1000.0", "16.7", ""),
        ("LDL", "counted", "1", "", "", "", "", ""),
    ],
    columns=["method", "source", "steps", "seconds", "device", "gmacs", "mparams", "mparams_trainable"],
)
COSTS = costs(TABLE)
FORM = efficiency.Form("Time and parameters", "parameters (M)", "multiply-adds")


def drawn(height: Callable[[Cost], float | None]) -> tuple[list[efficiency.Mark], list[str]]:
    return efficiency.marks(COSTS, height, lambda cost: cost.gmacs)


def test_a_measured_time_takes_what_was_counted_and_a_published_one_what_was_printed() -> None:
    drawable, lacking = drawn(lambda cost: cost.mparams)
    assert [(mark.cost.source, mark.seconds, mark.height, mark.size) for mark in drawable] == [
        ("measured", 0.05, 1290.0, 2244.3),
        ("published", 0.11, 1775.0, 2265.0),
        ("published", 4.3, 2524.0, 65857.0),
    ]
    assert lacking == []


def test_quality_is_of_the_same_source_and_what_lacks_it_is_named() -> None:
    values = published.load([ROOT / "config" / "published" / "osediff.csv"], METRICS)
    heights = efficiency.published_quality(values, "drealsr", "clipiqa")
    drawable, lacking = drawn(lambda cost: heights.get((cost.method, cost.source)))
    assert [(mark.cost.method, mark.cost.source, mark.height) for mark in drawable] == [
        ("OSEDiff", "published", 0.6963),
        ("SeeSR", "published", 0.6804),
    ]
    assert lacking == ["OSEDiff"]
    figure = efficiency.draw(drawable, lacking, FORM)
    text = figure.axes[0].texts[-1].get_text()
    assert "Not drawn for lack of a value: OSEDiff." in " ".join(text.split())


def test_published_marks_are_hollow_and_measured_ones_are_not() -> None:
    figure = efficiency.draw(*drawn(lambda cost: cost.mparams), FORM)
    filled = {
        tuple(np.asarray(c.get_offsets())[0].tolist()): len(c.get_facecolor()) > 0 for c in figure.axes[0].collections
    }
    assert filled == {(0.05, 1290.0): True, (0.11, 1775.0): False, (4.3, 2524.0): False}
    assert figure.axes[0].get_xscale() == "log"


def test_the_papers_form_has_steps_over_time_on_logarithmic_axes() -> None:
    form = efficiency.Form("Time and inference steps", "inference steps", "trainable parameters", True)
    drawable, lacking = efficiency.marks(COSTS, lambda cost: cost.steps, lambda cost: cost.mparams_trainable)
    plot = efficiency.draw(drawable, lacking, form).axes[0]
    assert (plot.get_xscale(), plot.get_yscale()) == ("log", "log")
    bubbles = [c for c in plot.collections if isinstance(c, PathCollection)]
    areas = {tuple(np.asarray(c.get_offsets())[0].tolist()): c.get_sizes()[0] for c in bubbles}
    assert areas[4.3, 50] > areas[0.11, 1] == areas[0.05, 1]


def test_names_of_marks_beside_each_other_do_not_overlap() -> None:
    close = [
        Cost(name, "published", "A100", 1, seconds, None, 1.0, 1.0) for name, seconds in (("A", 0.11), ("B", 0.13))
    ]
    plot = efficiency.draw(*efficiency.marks(close, lambda cost: cost.steps, lambda cost: None), FORM).axes[0]
    assert [text.get_verticalalignment() for text in plot.texts[:2]] == ["bottom", "top"]


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(InputError, match="no method has both a time and a value"):
        efficiency.draw([], [], FORM)
