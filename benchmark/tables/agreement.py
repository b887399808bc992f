"""Tables of the agreement of metrics: rank correlations with intervals, and the conclusions of each metric."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.evaluation.results import Metrics, read_rendered, read_utf8
from benchmark.statistics.agreement import RESAMPLES, Conclusion, Correlation, Interval
from benchmark.tables.specs import ComparisonSpec
from benchmark.tables.table import Cell, Column, Row, Table, Value

COEFFICIENTS, ENDS = ("spearman", "kendall"), ("low", "high")
KEYS = ("metric", "other", *(key for name in COEFFICIENTS for key in (name, *(f"{name} {end}" for end in ENDS))))
CORRELATIONS = (
    *(Column("metric", "Metric", group=True), Column("other", "Other metric")),
    *(
        Column("spearman", "Spearman, images", number=True),
        Column("kendall", "Kendall, methods of an image", number=True),
    ),
    *(Column(f"{name} {end}") for name in COEFFICIENTS for end in ENDS),
)
CONCLUSIONS = (
    *(Column("test_set"), Column("Test set", "Test set", csv=False, group=True)),
    *(Column("method", "Method"), Column("other", "Other method")),
    *(Column("for_method", "Method is better by"), Column("for_other", "Other method is better by")),
    *(Column("undecided", "No difference by"), Column("flips", "Reversed")),
)


def correlations_table(metrics: Metrics, correlations: Sequence[Correlation], banner: str = "") -> Table:
    """Make the table of rank correlations; the CSV has the ends of each interval in columns of their own."""

    def printed(value: float, bounds: Interval) -> tuple[str, ...]:
        return ("", "", "") if np.isnan(value) else tuple(f"{number:.2f}" for number in (value, *bounds))

    return table_of(
        [
            (
                *(metrics[one.first].title, metrics[one.second].title),
                *printed(one.spearman, one.spearman_interval),
                *printed(one.kendall, one.kendall_interval),
            )
            for one in correlations
        ],
        banner,
    )


def read_correlations(path: Path) -> Table:
    """Read the table of rank correlations from its CSV, which has no rows if there were not two metrics.

    InputError, with file and line, if it is another file.
    """
    what, head = "agreement.csv of benchmark.figures.agreement; make it anew", [column.key for column in CORRELATIONS]
    if read_utf8(path, what).splitlines() == [",".join(head)]:
        return table_of([])
    rows = read_rendered(path, head, KEYS[2:], what)
    return table_of([tuple(row) for row in rows[list(KEYS)].to_numpy()])


def table_of(lines: Sequence[tuple[str, ...]], banner: str = "") -> Table:
    """Make the table of lines: two titles of metrics, and coefficients with the ends of their intervals, as printed."""
    groups: dict[str, list[Row]] = {}
    for line in lines:
        row: dict[str, Value] = dict(zip(KEYS, line, strict=True))
        for name in COEFFICIENTS:
            low, high = (str(row[f"{name} {end}"]) for end in ENDS)
            row[name] = Cell(str(row[name]), interval=(low, high) if low else None)
        groups.setdefault(line[0], []).append(Row(row))
    notes = [
        "1: the metrics always agree, -1: never. Higher is better for each metric, since the sign of metrics such "
        f"as LPIPS is changed. In brackets: 95 % bootstrap interval over images ({RESAMPLES} resamples).",
    ]
    return Table("Agreement of metrics", list(CORRELATIONS), list(groups.values()), banner=banner, notes=notes)


def conclusions_table(spec: ComparisonSpec, metrics: Metrics, found: Sequence[Conclusion]) -> Table:
    """Make the table of conclusions: for each pair of methods, the metrics by the method that they find better."""

    def named(names: Sequence[str]) -> str:
        return ", ".join(metrics[name].title for name in names)

    rows = [
        Row(
            {
                "test_set": one.test_set,
                "Test set": spec.test_sets[one.test_set].title,
                "method": one.first,
                "other": one.second,
                "for_method": named(one.for_first),
                "for_other": named(one.for_second),
                "undecided": named(one.undecided),
                "flips": "yes" if one.flips else "",
            }
        )
        for one in found
    ]
    return Table("Conclusions", list(CONCLUSIONS), [[row] for row in rows], notes=[count_flips(found)])


def count_flips(found: Sequence[Conclusion]) -> str:
    """Say in a sentence how many conclusions depend on the metric."""
    flips = sum(one.flips for one in found)
    return (
        f"{flips} of {len(found)} conclusions are reversed by another metric{'; they stand first' if flips else ''}. "
        "A method is better by a metric if the paired tests of `ranking.md` say so."
    )
