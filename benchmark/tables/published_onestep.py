"""Compare what different papers print for the same one-step method, test set and metric.

    python -m benchmark.tables.published_onestep --published FILE.csv ... --disagreements FILE.yaml --out results

Writes published_onestep.csv and .md below ``--out``. The table has one row for each method and test set, with the
median of its sources. Sources disagree where their lowest and highest value differ by more than rounding: by more than
the sum of their tolerances. Those values are listed below the table, each with its source, and with the reason if
it is known. Nothing here was measured by this suite.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from statistics import median

import pandas as pd

from benchmark.data import published
from benchmark.evaluation.results import Metrics, read_metrics, read_rendered
from benchmark.tables.inputs import make_parser
from benchmark.tables.render import csv_text, html_page, markdown
from benchmark.tables.table import Cell, Column, Row, Table
from osediff.common.errors import run
from osediff.common.files import write_text
from osediff.common.settings import Settings, Text, parse
from osediff.common.validation import check_name, read_yaml

TEST_SETS = {"div2k-val": "DIV2K-Val", "drealsr": "DrealSR", "realsr": "RealSR"}
KEY = ["method", "test_set", "metric"]
COLUMNS = [*KEY, "sources", "median", "low", "high", "reason", "values"]
NO_REASON = "not known"


class Disagreement(Settings):
    """Why sources print different values for a method."""

    method: Text
    metrics: tuple[Text, ...] = ()
    """Empty: all metrics."""
    test_sets: tuple[Text, ...] = ()
    """Empty: all test sets."""
    tables: tuple[Text, ...] = ()
    """The lowest or the highest value must be of one of these tables; empty: of any."""
    reason: Text

    def explains(self, value: pd.Series, extremes: Collection[str]) -> bool:
        """Return whether it is about a value, whose lowest and highest form are of the tables ``extremes``."""
        return (
            value["method"] == self.method
            and (not self.metrics or value["metric"] in self.metrics)
            and (not self.test_sets or value["test_set"] in self.test_sets)
            and (not self.tables or not set(self.tables).isdisjoint(extremes))
        )


class Disagreements(Settings):
    """All entries of config/published/onestep/disagreements.yaml, in its order."""

    entries: tuple[Disagreement, ...]


def read_summary(path: Path) -> pd.DataFrame:
    """Read the CSV that this command writes, cells as printed; InputError, with line and column, for a mistake."""
    return read_rendered(path, COLUMNS, ("median",), "published_onestep.csv of benchmark.tables.published_onestep")


def read_disagreements(path: Path, values: pd.DataFrame) -> tuple[Disagreement, ...]:
    """Read the known reasons; InputError, in one line, for a mistake, and for a name that no row of ``values`` has."""
    entries = parse({"entries": read_yaml(path)}, Disagreements, str(path)).entries
    known = {column: set(values[column]) for column in (*KEY, "table")}
    for number, entry in enumerate(entries, start=1):
        of_column = {"method": (entry.method,), "metric": entry.metrics, "test_set": entry.test_sets}
        for column, names in (of_column | {"table": entry.tables}).items():
            for name in names:
                check_name(column.replace("_", " "), name, known[column], f"{path}: entry {number}")
    return entries


def reason(rows: pd.DataFrame, entries: Iterable[Disagreement]) -> str:
    """Say why the values of one method, test set and metric differ; empty if they differ by no more than rounding."""
    low, high = rows.loc[rows["value"].idxmin()], rows.loc[rows["value"].idxmax()]
    # The last term is for the binary form of printed decimals.
    if high["value"] - low["value"] <= high["tolerance"] + low["tolerance"] + 1e-9:
        return ""
    extremes = set(rows.loc[rows["value"].isin([low["value"], high["value"]]), "table"])
    return next((entry.reason for entry in entries if entry.explains(low, extremes)), NO_REASON)


def summary(values: pd.DataFrame, metrics: Metrics, entries: Sequence[Disagreement]) -> pd.DataFrame:
    """Summarize the sources of each method, test set and metric.

    Args:
        values: published values of one-step methods, as ``benchmark.data.published.load`` returns them.
        metrics: the metrics to summarize; values of other metrics are left out.
        entries: known reasons of disagreements.

    Returns:
        One row for each, in the order of ``values``, with ``COLUMNS``: the number of ``sources``; ``median``, ``low``
        and ``high`` as printed; the ``reason`` why sources differ by more than rounding, empty if they do not; and
        ``values``, each with its source.
    """
    rows = []
    for key, group in values[values["metric"].isin(metrics) & values["test_set"].isin(TEST_SETS)].groupby(
        KEY, sort=False
    ):
        rows.append(
            (
                *key,
                len(group),
                metrics[key[2]].printed(median(group["value"])),
                group.loc[group["value"].idxmin(), "printed"],
                group.loc[group["value"].idxmax(), "printed"],
                reason(group, entries),
                "; ".join(f"{row.printed} ({row.table})" for row in group.itertuples()),
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def overview(values: pd.DataFrame, metrics: Metrics) -> Table:
    """Make the table of medians, methods by test set; a value on whose size sources disagree has its range."""
    shown = {name: metric for name, metric in metrics.items() if name in set(values["metric"])}
    columns = [
        Column("Test set", "Test set", group=True),
        Column("method", "Method"),
        Column("sources", "Sources", number=True),
    ]
    columns += [Column(name, metric.heading, number=True) for name, metric in shown.items()]
    groups = []
    for test_set, title in TEST_SETS.items():
        group = []
        for method, rows in values[values["test_set"] == test_set].groupby("method", sort=True):
            cells: dict[str, Cell | str | int] = {"Test set": title, "method": str(method)}
            cells["sources"] = int(rows["sources"].max())
            for row in rows.to_dict("records"):
                interval = (str(row["low"]), str(row["high"])) if row["reason"] else None
                cells[str(row["metric"])] = Cell(str(row["median"]), interval=interval)
            group.append(Row(dict(cells), published=True))
        groups.append(group)
    apart = int((values["reason"] != "").sum())
    several = int((values["sources"] > 1).sum())
    caption = (
        f"{several} values have more than one source. For {apart} of them, sources differ by more than rounding: "
        "brackets have the lowest and the highest value."
    )
    return Table("One-step methods as published", columns, groups, caption, "Published numbers, not measured here")


def disagreements(values: pd.DataFrame, metrics: Metrics) -> Table:
    """Make the table of values on which sources disagree, each with its sources and the reason."""
    columns = [Column(key, key.capitalize()) for key in ("method", "test set", "metric", "values", "reason")]
    apart = values[values["reason"] != ""].sort_values(KEY, kind="stable")
    rows = [
        Row(
            {
                "method": row["method"],
                "test set": TEST_SETS[row["test_set"]],
                "metric": metrics[row["metric"]].title,
                "values": row["values"],
                "reason": row["reason"],
            }
        )
        for row in apart.to_dict("records")
    ]
    unknown = int((apart["reason"] == NO_REASON).sum())
    return Table("Where sources disagree", columns, [rows], f"The reason of {unknown} of {len(rows)} is not known.")


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.tables.published_onestep", __doc__)
    parser.add_argument("--published", type=Path, nargs="+", required=True, help="CSV files of published values")
    parser.add_argument("--disagreements", type=Path, required=True, help="YAML of known reasons")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    args = parser.parse_args()
    metrics = read_metrics(args.registry)
    loaded = published.load(args.published, metrics)
    one_step = loaded[loaded["steps"] == "1"]
    values = summary(one_step, metrics, read_disagreements(args.disagreements, loaded))
    columns = [Column(name) for name in values.columns]
    table = Table("", columns, [[Row(row) for row in values.to_dict("records")]])
    write_text(args.out / "published_onestep.csv", csv_text(table))
    first, second = overview(values, metrics), disagreements(values, metrics)
    write_text(args.out / "published_onestep.md", f"{markdown(first)}\n{markdown(second, level=2)}")
    write_text(args.out / "published_onestep.html", html_page(first, second))


if __name__ == "__main__":
    run(main)
