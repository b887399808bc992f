"""Figure 1(b): what is drawn and said, and what happens where something is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.data import published
from benchmark.figures import efficiency
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS
from tests.helpers import ROOT

COLUMNS = ("method", "source", "seconds", "device", "gmacs", "mparams")
TABLE = pd.DataFrame(
    [
        ("OSEDiff", "counted", "", "", "2244.3", "1290.0"),
        ("OSEDiff", "measured", "0.05", "Some GPU", "", ""),
        ("OSEDiff", "published", "0.11", "A100", "2265", "1775"),
        ("SeeSR", "published", "4.30", "A100", "65857", "2524"),
    ],
    columns=list(COLUMNS),
)


def test_a_measured_time_takes_what_was_counted_and_a_published_one_what_was_printed() -> None:
    drawable, lacking = efficiency.marks(TABLE, None)
    assert [(mark.source, mark.seconds, mark.height, mark.gmacs) for mark in drawable] == [
        ("measured", 0.05, 1290.0, 2244.3),
        ("published", 0.11, 1775.0, 2265.0),
        ("published", 4.3, 2524.0, 65857.0),
    ]
    assert lacking == []


def test_quality_is_of_the_same_source_and_what_lacks_it_is_named() -> None:
    values = published.load([ROOT / "config" / "published" / "osediff.csv"], METRICS)
    drawable, lacking = efficiency.marks(TABLE, efficiency.published_quality(values, "drealsr", "clipiqa"))
    assert [(mark.method, mark.source, mark.height) for mark in drawable] == [
        ("OSEDiff", "published", 0.6963),
        ("SeeSR", "published", 0.6804),
    ]
    assert lacking == ["OSEDiff"]
    figure = efficiency.draw(drawable, lacking, "CLIPIQA", "Time and quality")
    text = figure.axes[0].texts[-1].get_text()
    assert "Not drawn for lack of a value: OSEDiff." in " ".join(text.split())


def test_published_marks_are_hollow_and_measured_ones_are_not() -> None:
    figure = efficiency.draw(efficiency.marks(TABLE, None)[0], [], "parameters (M)", "x")
    filled = {
        tuple(np.asarray(c.get_offsets())[0].tolist()): len(c.get_facecolor()) > 0 for c in figure.axes[0].collections
    }
    assert filled == {(0.05, 1290.0): True, (0.11, 1775.0): False, (4.3, 2524.0): False}
    assert figure.axes[0].get_xscale() == "log"


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(InputError, match="no method has both a time and a value"):
        efficiency.draw([], [], "x", "x")
