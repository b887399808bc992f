"""Marks of cells: best and second best among printed values; rows that lack a key."""

from __future__ import annotations

import pytest

from benchmark.tables.table import Cell, Column, Mark, Row, marks, plain_rows


def test_a_row_has_a_cell_for_any_key() -> None:
    row = Row({"a": 1, "b": Cell("x", mark="best"), "c": None})
    assert [row.cell(key) for key in "abcd"] == [Cell("1"), Cell("x", mark="best"), Cell(), Cell()]


def test_a_line_of_another_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        plain_rows([Column("a"), Column("b")], [("1",)])


@pytest.mark.parametrize(
    ("values", "higher", "expected"),
    [
        (["1.0", "3.0", "2.0"], True, ["", "best", "second"]),
        (["1.0", "3.0", "2.0"], False, ["best", "", "second"]),
        (["10.0", "9.0", "9.0"], True, ["best", "second", "second"]),
        (["2.0", "2.0", "1.0"], True, ["best", "best", "second"]),
        (["2.0", "2.0"], True, ["best", "best"]),
        (["2.0", ""], True, ["", ""]),
        (["", "1.0", "2.0"], False, ["", "best", "second"]),
    ],
)
def test_marks(values: list[str], higher: bool, expected: list[Mark]) -> None:
    assert marks(values, higher) == expected
