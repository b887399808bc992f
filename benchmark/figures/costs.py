"""The costs of methods for figures, from the CSV of Table 2: what was published, and what was measured or counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd


@dataclass(frozen=True)
class Cost:
    """Costs of one method from one source; None where the source has no figure."""

    method: str
    source: Literal["published", "measured", "counted"]
    device: str
    steps: int | None
    seconds: float | None
    gmacs: float | None
    mparams: float | None
    mparams_trainable: float | None

    @property
    def origin(self) -> str:
        """Source and device, as a legend names them."""
        return f"{self.source}: {self.device}" if self.device else self.source


def costs(table: pd.DataFrame) -> list[Cost]:
    """Return the costs of published rows, of measured times, and of methods that were only counted, in order.

    A measured time gets the parameters and multiply-adds that were counted.
    """
    counted = table[table["source"] == "counted"].drop_duplicates("method").set_index("method")
    is_timed = (table["source"] == "measured") & (table["seconds"] != "")
    is_only_counted = (table["source"] == "counted") & ~table["method"].isin(table.loc[is_timed, "method"])
    is_only_counted &= ~table.duplicated(["method", "source"]) & (table["mparams"] != "")
    rows = table[(table["source"] == "published") | is_timed | is_only_counted]
    return [
        make_cost(row, counted.loc[row["method"]] if row["method"] in counted.index else row)
        for _, row in rows.iterrows()
    ]


def make_cost(row: pd.Series, counted: pd.Series) -> Cost:
    """Make the costs of ``row``; those of a measured time are in the ``counted`` row of its method."""
    figures = counted if row["source"] == "measured" else row
    return Cost(
        method=row["method"],
        source=row["source"],
        device=row["device"],
        steps=int(row["steps"]) if row["steps"] else None,
        seconds=number(row["seconds"]),
        gmacs=number(figures["gmacs"]),
        mparams=number(figures["mparams"]),
        mparams_trainable=number(figures["mparams_trainable"]),
    )


def number(text: str) -> float | None:
    """Read a printed figure; None for an empty cell."""
    return float(text) if text else None
