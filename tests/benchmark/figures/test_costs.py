"""Costs of methods from Table 2: what is left out, and what a measured time takes from a count."""

from __future__ import annotations

import pandas as pd

from benchmark.figures.costs import costs

COLUMNS = ["method", "source", "steps", "seconds", "device", "gmacs", "mparams", "mparams_trainable"]


def test_counted_rows_are_left_out_where_a_time_was_measured_and_kept_once_elsewhere() -> None:
    rows = [
        ("A", "counted", "1", "", "", "10.0", "1.0", "0.5"),
        ("A", "counted", "1", "", "", "20.0", "2.0", "0.5"),
        ("A", "measured", "1", "0.5", "GPU", "", "", ""),
        ("A", "measured", "1", "", "GPU", "", "", ""),
        ("B", "counted", "2", "", "", "30.0", "3.0", ""),
        ("B", "counted", "2", "", "", "40.0", "4.0", ""),
        ("C", "counted", "2", "", "", "", "", ""),
        ("C", "published", "2", "0.7", "A100", "50", "5", "5.0"),
    ]
    found = costs(pd.DataFrame(rows, columns=COLUMNS))
    assert [(cost.method, cost.origin, cost.seconds, cost.gmacs, cost.mparams_trainable) for cost in found] == [
        ("A", "measured: GPU", 0.5, 10.0, 0.5),
        ("B", "counted", None, 30.0, None),
        ("C", "published: A100", 0.7, 50.0, 5.0),
    ]
