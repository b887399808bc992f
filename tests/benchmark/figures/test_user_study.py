"""The chart of the user study: the published votes, in order, and named as published."""

from __future__ import annotations

import pytest

from benchmark.data import published
from benchmark.figures import user_study
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS
from tests.helpers import ROOT

VOTES = ROOT / "config" / "published" / "user-study.csv"


def test_the_votes_are_those_of_15_volunteers_and_20_images() -> None:
    values = published.load([VOTES], METRICS)
    assert values["value"].sum() == 15 * 20
    assert len(values) == 7


def test_bars_show_votes_and_shares_with_their_source() -> None:
    figure = user_study.draw(published.load([VOTES], METRICS))
    (plot,) = figure.axes
    # The highest bar is the last: matplotlib draws upwards.
    ends = [bar.get_window_extent().transformed(plot.transData.inverted()).x1 for bar in plot.patches]
    assert ends == pytest.approx([5, 9, 24, 29, 66, 80, 87])
    texts = [text.get_text() for text in plot.texts]
    assert {"87 (29%)", "80 (27%)", "5 (2%)"} <= set(texts)
    assert any(text.startswith("Published, not measured here: arXiv 2406.08177v3") for text in texts)


def test_other_values_have_no_votes() -> None:
    with pytest.raises(InputError, match="no published votes"):
        user_study.draw(published.load([ROOT / "config" / "published" / "others.csv"], METRICS))
