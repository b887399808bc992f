"""Entry points: what is found by name, and the line that says why nothing is."""

from __future__ import annotations

import pytest

from benchmark.complexity.entry_points import failure_line, load_entry_point
from osediff.common.errors import InputError


def test_a_function_is_found_by_its_name() -> None:
    assert load_entry_point("benchmark.complexity.entry_points:failure_line") is failure_line


@pytest.mark.parametrize("name", ["nowhere:run", "benchmark.complexity.entry_points:nothing", "benchmark.nowhere:run"])
def test_what_is_not_there_is_one_line(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} cannot be loaded \(.*\); correct the entry point"):
        load_entry_point(name)


def test_an_error_of_many_lines_becomes_one() -> None:
    assert failure_line(KeyError("odd")) == "KeyError: 'odd'"
    assert failure_line(RuntimeError("out of\n  memory\n")) == "RuntimeError: out of memory"
