"""Bars of Table 2: one for each figure of a method, hollow where it was published."""

from __future__ import annotations

import pytest

from benchmark.figures import efficiency_bars
from benchmark.figures.costs import Cost
from osediff.common.errors import InputError

PUBLISHED = Cost("SeeSR", "published", "A100", 50, 4.3, 65857, 2524, 749.9)
COUNTED = Cost("BSRGAN", "counted", "", 1, None, 1176, 16.7, None)


def test_every_figure_is_a_bar_and_a_missing_one_is_none() -> None:
    figure = efficiency_bars.draw([PUBLISHED, COUNTED])
    assert [len(plot.patches) for plot in figure.axes] == [1, 2, 2, 1]
    hollow, filled = figure.axes[1].patches
    inverted = figure.axes[1].transData.inverted()
    ends = [bar.get_window_extent().transformed(inverted).x1 for bar in (hollow, filled)]
    assert ends == pytest.approx([65857, 1176])
    assert hollow.get_facecolor() == (1, 1, 1, 1) != filled.get_facecolor()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["SeeSR", "BSRGAN"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["published: A100", "counted"]


def test_a_figure_that_no_method_has_is_no_panel() -> None:
    panels = [plot for plot in efficiency_bars.draw([COUNTED]).axes if plot.get_visible()]
    assert [plot.get_title(loc="left") for plot in panels] == ["multiply-adds (G)", "parameters (M)"]


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(InputError, match="no method has a time or a count"):
        efficiency_bars.draw([])
